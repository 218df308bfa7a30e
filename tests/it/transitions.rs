//! The life of an entry by its transitions: what is unmet is said and done, who may not is refused, and what was
//! refused has changed nothing.

use kakunin::domain::vocabulary::Role;
use serde_json::{Value, json};

use crate::engagements::plain_facts;
use crate::harness::{Actor, Answered, TestApp, seed};
use crate::mailroom;

/// A contractor with a valid corporate number (that of the National Tax Agency's example).
const CORPORATE_NUMBER: &str = "5835678256246";

/// The people of a body in which nobody has two roles.
pub struct Office {
    pub owner: String,
    pub deputy: String,
    pub procurement: String,
    pub manager: String,
    pub division: String,
    pub supervisor: String,
    pub ciso: String,
}

impl Office {
    pub fn new(app: &TestApp) -> Self {
        let person = |number| mailroom::person(app, number, true);
        let holder = |number, role| {
            let id = person(number);
            mailroom::role(app, number, seed::MAYOR, role, &id);
            id
        };
        Self {
            owner: person(1),
            deputy: person(2),
            procurement: holder(3, Role::ProcurementOfficer),
            manager: holder(4, Role::SectionSecurityManager),
            division: holder(5, Role::DivisionSecurityOfficer),
            supervisor: holder(6, Role::SupervisingSecurityOfficer),
            ciso: holder(7, Role::Ciso),
        }
    }
}

/// An entry on its way.
pub struct Way<'a> {
    pub app: &'a TestApp,
    pub path: String,
}

impl<'a> Way<'a> {
    pub fn by(&self, person: &str) -> Actor<'a> {
        self.app.officer().acting(person)
    }

    pub async fn status(&self) -> String {
        self.app
            .officer()
            .get(&self.path)
            .await
            .expect(200)
            .text("/status")
            .to_owned()
    }

    pub async fn options(&self) -> Answered {
        let path = format!("{}/transitions", self.path);
        self.app.officer().get(&path).await.expect(200)
    }

    /// What stands against a transition, as codes with their item or clause.
    pub async fn unmet(&self, transition: &str) -> Vec<String> {
        let options = self.options().await;
        let option = options
            .items("/options")
            .iter()
            .find(|item| item["transition"] == transition);
        lacks(&option.unwrap_or_else(|| panic!("no {transition} in {:#}", options.body))["unmet"])
    }

    pub async fn take(&self, person: &str, transition: &str, more: Value) -> Answered {
        let mut body = json!({"transition": transition, "reason": "所定の手続による。"});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.by(person).post(&format!("{}/transitions", self.path), body).await
    }

    pub async fn approve(&self, person: &str, transition: &str, role: &str) -> Answered {
        let body = json!({"transition": transition, "role": role});
        self.by(person).post(&format!("{}/approvals", self.path), body).await
    }

    /// Records every clause that stands against a transition as far as it has to be.
    pub async fn fulfil(&self, transition: &str, by: &str) {
        let options = self.options().await;
        let option = options
            .items("/options")
            .iter()
            .find(|item| item["transition"] == transition)
            .unwrap();
        for unmet in option["unmet"].as_array().unwrap() {
            let Some(key) = unmet["clause_key"].as_str() else {
                continue;
            };
            let mut body = json!({"declared": true, "agreed": {"article": "第8条"}});
            if unmet["required"] == "verified" {
                let today = self.app.app.clock.now().to_string();
                body["verified_on"] = json!(today.split('T').next().unwrap());
                body["verified_by_person_id"] = json!(by);
            }
            if options.text("/status") == "under_selection" {
                body["agreed"] = Value::Null;
            }
            let path = format!("{}/clauses/{key}", self.path);
            self.app.officer().put(&path, "*", body).await.expect(200);
        }
    }
}

/// What is unmet, as item, clause or code.
pub fn lacks(unmet: &Value) -> Vec<String> {
    let one = |unmet: &Value| {
        let what = unmet["item"].as_str().or(unmet["clause_key"].as_str());
        what.map_or_else(|| unmet["code"].as_str().unwrap().to_owned(), str::to_owned)
    };
    unmet.as_array().unwrap().iter().map(one).collect()
}

/// An engagement in draft with owner and deputy.
pub async fn draft<'a>(app: &'a TestApp, office: &Office) -> Way<'a> {
    let new = json!({
        "organization_id": seed::MAYOR, "name": "広報紙の発送業務", "facts": plain_facts(),
        "owner": {"person_id": office.owner}, "deputy": {"person_id": office.deputy},
    });
    let made = app.officer().post("/engagements", new).await.expect(201);
    Way {
        app,
        path: format!("/entries/{}", made.id()),
    }
}

db_test!(an_engagement_goes_from_the_draft_to_its_end, |app| {
    let office = Office::new(&app);
    let way = draft(&app, &office).await;
    let id = way.path.rsplit('/').next().unwrap().to_owned();
    let engagement = format!("/engagements/{id}");

    // Only what is unmet stands in the way, and only those whose role it is may go on.
    assert_eq!(
        way.unmet("submit_for_selection").await,
        ["selection_conditions_set", "reason_required"]
    );
    let refused = way.take(&office.procurement, "submit_for_selection", json!({})).await;
    assert_eq!(
        refused.problem(409, "transition_unmet").at("/unmet/0/code"),
        "role_required"
    );
    let refused = way.take(&office.owner, "submit_for_selection", json!({})).await;
    assert_eq!(
        lacks(refused.problem(409, "transition_unmet").at("/unmet")),
        ["selection_conditions_set"]
    );
    let stated = json!({"conditions": ["selection_conditions_set"]});
    let taken = way
        .take(&office.owner, "submit_for_selection", stated)
        .await
        .expect(200);
    assert_eq!(
        (taken.text("/from_status"), taken.text("/to_status")),
        ("draft", "under_selection")
    );
    assert_eq!(taken.text("/person_id"), office.owner);

    // Selection: the company, its check sheet, and a second person.
    let company = json!({"name": "株式会社甲", "corporate_number": CORPORATE_NUMBER});
    let company = app.officer().post("/contractors", company).await.expect(201).id();
    let before = app.officer().get(&engagement).await.expect(200);
    let select = json!({"contractor_id": company});
    way.take(&office.procurement, "select", select.clone())
        .await
        .problem(409, "transition_unmet");
    let after = app.officer().get(&engagement).await.expect(200);
    assert_eq!(after.body, before.body, "what was refused has changed nothing");
    way.fulfil("select", &office.manager).await;
    way.approve(&office.owner, "select", "section_security_manager")
        .await
        .problem(409, "transition_unmet");
    way.approve(&office.manager, "select", "section_security_manager")
        .await
        .expect(200);
    way.take(&office.procurement, "select", select).await.expect(200);
    assert_eq!(app.officer().get(&engagement).await.text("/contractor_id"), company);

    // The contract.
    assert!(
        way.unmet("conclude_contract")
            .await
            .contains(&"contract_period_set".to_owned())
    );
    let period = json!({"contract_number": "R9-0001", "starts_on": "2027-04-01", "ends_on": "2028-03-31"});
    app.officer()
        .post(&format!("{engagement}/periods"), period)
        .await
        .expect(201);
    let lacking = way.unmet("conclude_contract").await;
    assert!(
        lacking.len() > 5 && lacking.contains(&"confidentiality-obligation".to_owned()),
        "{lacking:?}"
    );
    way.fulfil("conclude_contract", &office.manager).await;
    way.take(&office.procurement, "conclude_contract", json!({}))
        .await
        .expect(200);

    // The start: by tier, and from here on there are dates.
    way.fulfil("start_performance", &office.manager).await;
    let options = way.options().await;
    let unmet = options
        .items("/options")
        .iter()
        .find(|item| item["transition"] == "start_performance")
        .unwrap();
    if lacks(&unmet["unmet"]).contains(&"approval_missing".to_owned()) {
        let elsewhere = json!({"transition": "start_performance", "role": "ciso", "decided_elsewhere":
            {"decided_by": "副市長（CISO）", "decided_on": "2027-04-01", "document_number": "本情第12号"}});
        way.by(&office.manager)
            .post(&format!("{}/approvals", way.path), elsewhere)
            .await
            .expect(200);
    }
    way.take(&office.manager, "start_performance", json!({}))
        .await
        .expect(200);
    let running = app.officer().get(&engagement).await.expect(200);
    assert_eq!(
        (running.text("/status"), running.text("/started_on")),
        ("in_performance", "2027-04-01")
    );
    assert_ne!(running.at("/next_due_on"), &Value::Null);

    // Stopped and resumed, with a cause.
    way.take(&office.division, "suspend", json!({}))
        .await
        .problem(409, "transition_unmet");
    way.take(&office.division, "suspend", json!({"cause": "misuse"}))
        .await
        .expect(200);
    assert_eq!(way.status().await, "suspended");
    way.take(&office.division, "resume", json!({})).await.expect(200);

    // The end: early only with a cause, and not before everything is returned or erased.
    let refused = way.take(&office.manager, "begin_closing", json!({})).await;
    assert_eq!(
        refused.problem(409, "transition_unmet").at("/unmet/0/code"),
        "end_not_reached"
    );
    app.at("2028-03-31T10:00");
    way.take(&office.manager, "begin_closing", json!({})).await.expect(200);
    assert!(
        way.unmet("complete_closing")
            .await
            .contains(&"return-and-disposal".to_owned())
    );
    way.fulfil("complete_closing", &office.manager).await;
    way.take(&office.manager, "complete_closing", json!({}))
        .await
        .expect(200);
    let done = app.officer().get(&engagement).await.expect(200);
    assert_eq!(
        (done.text("/status"), done.at("/next_due_on")),
        ("closed", &Value::Null)
    );
    assert_eq!(way.options().await.items("/options").len(), 0);

    let history = format!("{}/transition-history", way.path);
    let all = app.officer().get(&history).await.expect(200);
    let names: Vec<&str> = all
        .items("/items")
        .iter()
        .map(|item| item["transition"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "submit_for_selection",
            "select",
            "conclude_contract",
            "start_performance",
            "suspend",
            "resume",
            "begin_closing",
            "complete_closing"
        ]
    );
    assert_eq!(all.text("/items/1/approvals/0/person_id"), office.manager);
    let first = app.officer().get(&format!("{history}?limit=3")).await.expect(200);
    let cursor = first.text("/next_cursor");
    let rest = app
        .officer()
        .get(&format!("{history}?limit=200&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(rest.at("/items/0"), all.at("/items/3"));
});

db_test!(applicant_and_approver_are_two_persons_or_say_why_not, |app| {
    let office = Office::new(&app);
    // A secretariat of two: the owner is procurement officer too.
    mailroom::role(&app, 8, seed::MAYOR, Role::ProcurementOfficer, &office.owner);
    let way = draft(&app, &office).await;
    let stated = json!({"conditions": ["selection_conditions_set"]});
    way.take(&office.owner, "submit_for_selection", stated)
        .await
        .expect(200);
    let company = json!({"name": "株式会社甲", "corporate_number": CORPORATE_NUMBER});
    let company = app.officer().post("/contractors", company).await.expect(201).id();
    way.fulfil("select", &office.manager).await;
    way.approve(&office.manager, "select", "section_security_manager")
        .await
        .expect(200);
    let refused = way
        .take(&office.owner, "select", json!({"contractor_id": company}))
        .await;
    let refused = refused.problem(409, "transition_unmet");
    assert_eq!(lacks(refused.at("/unmet")), ["self_approval_forbidden"]);
    let why = json!({"contractor_id": company, "double_role_reason": "事務局が2名のため"});
    let taken = way.take(&office.owner, "select", why).await.expect(200);
    assert_eq!(taken.text("/double_role_reason"), "事務局が2名のため");
});

db_test!(a_cloud_service_is_approved_until_the_day_of_the_profile, |app| {
    let office = Office::new(&app);
    let approver = mailroom::person(&app, 9, true);
    mailroom::role(&app, 9, seed::MAYOR, Role::UsageApprover, &approver);
    let mut facts = plain_facts();
    facts["confidentiality"] = json!("c1");
    facts["access_mode"] = json!("hosted");
    let new = json!({
        "organization_id": seed::MAYOR, "name": "日程調整", "service_model": "saas", "purpose": "会議の日程調整",
        "owner": {"person_id": office.owner}, "facts": facts,
    });
    let made = app.officer().post("/cloud-services", new).await.expect(201);
    let (id, path) = (made.id(), format!("/cloud-services/{}", made.id()));
    let way = Way {
        app: &app,
        path: format!("/entries/{id}"),
    };
    assert_eq!(
        way.unmet("apply").await,
        [
            "users_named",
            "data_location_given",
            "terms_snapshot_taken",
            "reason_required"
        ]
    );
    let complete = json!({"users": "全職員", "data_countries": ["JP"], "terms_url": "https://example.co.jp/terms",
        "terms_checked_on": "2027-03-31"});
    app.officer().patch(&path, "*", complete).await.expect(200);
    way.take(&office.owner, "apply", json!({})).await.expect(200);
    way.take(&approver, "start_review", json!({})).await.expect(200);
    way.fulfil("approve_use", &office.manager).await;
    let too_long = json!({"approval_valid_until_on": "2028-04-02"});
    let refused = way.take(&office.ciso, "approve_use", too_long).await;
    let refused = refused.problem(409, "transition_unmet");
    assert_eq!(lacks(refused.at("/unmet")), ["approval_too_long"]);
    let taken = way.take(&office.ciso, "approve_use", json!({})).await.expect(200);
    assert_eq!(taken.text("/approval_valid_until_on"), "2027-06-30");
    let service = app.officer().get(&path).await.expect(200);
    assert_eq!(
        (service.text("/status"), service.text("/approval_valid_until_on")),
        ("approved", "2027-06-30")
    );
    let dated = format!("/obligations?entry_id={id}&kind=approval_expiry");
    assert_eq!(app.officer().get(&dated).await.text("/items/0/due_on"), "2027-06-30");
    way.take(
        &office.owner,
        "withdraw",
        json!({"conditions": ["nothing_handed_over"]}),
    )
    .await
    .expect(200);
    assert_eq!(app.officer().get(&dated).await.items("/items").len(), 0);
});

db_test!(
    anybody_reports_a_compromise_and_the_csirt_confirms_the_recovery,
    |app| {
        let office = Office::new(&app);
        let (csirt, bystander) = (mailroom::person(&app, 9, true), mailroom::person(&app, 10, true));
        mailroom::role(&app, 9, seed::MAYOR, Role::Csirt, &csirt);
        let service = json!({"organization_id": seed::MAYOR, "platform": "x"});
        let service = app
            .officer()
            .post("/social-media-services", service)
            .await
            .expect(201)
            .id();
        let new = json!({
            "organization_id": seed::MAYOR, "name": "公式X", "social_media_service_id": service, "handle": "@motosu",
            "url": "https://x.com/motosu", "purpose": "市政の情報", "facts": {"operation_delegated": false},
            "owner": {"person_id": office.owner}, "registered_as_existing": true, "status": "operating",
            "started_on": "2026-04-01",
        });
        let made = app.officer().post("/social-media-accounts", new).await.expect(201);
        let way = Way {
            app: &app,
            path: format!("/entries/{}", made.id()),
        };
        way.take(&bystander, "report_compromise", json!({})).await.expect(200);
        let stated = json!({"conditions": ["credentials_changed", "linked_apps_reviewed", "notice_published"]});
        let refused = way.take(&office.owner, "recover", stated.clone()).await;
        let refused = refused.problem(409, "transition_unmet");
        assert_eq!(lacks(refused.at("/unmet")), ["confirmation_missing"]);
        way.approve(&csirt, "recover", "csirt").await.expect(200);
        assert_eq!(way.options().await.items("/approvals").len(), 1);
        way.take(&office.owner, "recover", stated).await.expect(200);
        assert_eq!(way.status().await, "operating");
        assert_eq!(
            way.options().await.items("/approvals").len(),
            0,
            "an approval serves once"
        );
    }
);

db_test!(what_a_request_cannot_mean_is_refused_by_its_pointer, |app| {
    let office = Office::new(&app);
    let way = draft(&app, &office).await;
    let path = format!("{}/transitions", way.path);
    let body = json!({"transition": "cancel", "reason": "中止"});
    app.officer()
        .post(&path, body)
        .await
        .problem(422, "acting_person_required");
    for (more, pointer, code) in [
        (
            json!({"transition": "approve_use"}),
            "/transition",
            "unknown_transition",
        ),
        (
            json!({"transition": "record_verification"}),
            "/transition",
            "unknown_transition",
        ),
        (json!({"conditions": ["owner_set"]}), "/conditions/0", "not_stated"),
        (json!({"effective_on": "2027-04-02"}), "/effective_on", "out_of_range"),
        (json!({"effective_on": "2027-03-31"}), "/effective_on", "out_of_range"),
        (
            json!({"approval_valid_until_on": "2027-06-30"}),
            "/approval_valid_until_on",
            "not_for_this_transition",
        ),
        (json!({"reason": " "}), "/reason", "required"),
    ] {
        way.take(&office.manager, "cancel", more).await.invalid(pointer, code);
    }
    way.take(&office.manager, "resume", json!({}))
        .await
        .problem(409, "no_such_transition");
    assert_eq!(way.status().await, "draft");
    let allowed = |answered: &Answered, key: &str| {
        let option = answered.items("/options").iter().find(|item| item["transition"] == key);
        option.unwrap()["allowed"].clone()
    };
    let seen = way.by(&office.supervisor).get(&path).await.expect(200);
    assert_eq!(allowed(&seen, "cancel"), false);
    let seen = way.by(&office.manager).get(&path).await.expect(200);
    assert_eq!(allowed(&seen, "cancel"), true);
    assert_eq!(allowed(&way.options().await, "cancel"), Value::Null);
});

db_test!(an_exception_of_the_ciso_stands_in_for_one_clause, |app| {
    let office = Office::new(&app);
    let way = draft(&app, &office).await;
    let stated = json!({"conditions": ["selection_conditions_set"]});
    way.take(&office.owner, "submit_for_selection", stated)
        .await
        .expect(200);
    let company = json!({"name": "株式会社甲", "corporate_number": CORPORATE_NUMBER});
    let company = app.officer().post("/contractors", company).await.expect(201).id();
    way.fulfil("select", &office.manager).await;
    way.approve(&office.manager, "select", "section_security_manager")
        .await
        .expect(200);
    way.take(&office.procurement, "select", json!({"contractor_id": company}))
        .await
        .expect(200);
    let clause = "confidentiality-obligation";
    assert!(way.unmet("conclude_contract").await.contains(&clause.to_owned()));
    let application = json!({"clause_key": clause, "reason": "契約変更の手続中のため。",
        "compensating_measures": "受渡しを庁内に限る。", "expires_on": "2027-09-30"});
    let exceptions = format!("{}/exceptions", way.path);
    let made = way.by(&office.owner).post(&exceptions, application).await.expect(201);
    assert!(way.unmet("conclude_contract").await.contains(&clause.to_owned()));
    let decisions = format!("{}/decisions", made.header("location"));
    way.by(&office.ciso)
        .post(&decisions, json!({"decision": "approve"}))
        .await
        .expect(200);
    assert!(!way.unmet("conclude_contract").await.contains(&clause.to_owned()));
    app.at("2027-10-01T09:00");
    assert!(way.unmet("conclude_contract").await.contains(&clause.to_owned()));
});
