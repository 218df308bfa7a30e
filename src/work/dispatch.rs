//! The dispatcher: takes messages one by one and hands each over by the protocol of [`super::outbox`].
//!
//! The relay is brought up to the point where it waits for the body before the intent is committed, so a relay that is
//! down uses up no intents. After the intent, only the relay's word or a resend of the same bytes ends the message.

use diesel::prelude::*;
use serde_json::json;

use super::outbox::{self, Held, ItemRow};
use super::{Worker, blocking, letter, plan, tenants};
use crate::app::{Scope, Subject, Tenant};
use crate::db::schema::local_governments;
use crate::domain::vocabulary::Role;
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::mail::{Address, Envelope, Outcome, Refusal, Transport};
use crate::people::holders::Contact;

/// How a message left this worker's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Accepted,
    NotYet,
    /// The relay itself does not answer: the rest waits for the next tick.
    RelayDown,
}

/// What the intent decided.
enum Intent {
    Send(Vec<u8>),
    Nothing,
}

/// Hands over everything that is due; answers how many messages were accepted.
pub(super) async fn dispatch(worker: &Worker, transport: &Transport) -> Result<usize, ApiError> {
    let mut accepted = 0;
    let app = worker.app.clone();
    for tenant in blocking(move || tenants(&app)).await? {
        loop {
            let (app, node, mine) = (worker.app.clone(), worker.node.clone(), tenant.clone());
            let held =
                blocking(move || app.write_as(&mine, Actor::system(), |scope| outbox::take(scope, &node))).await?;
            let Some(held) = held else { break };
            worker.faults.at("leased")?;
            match hand_over(worker, transport, &tenant, held).await? {
                Left::Accepted => accepted += 1,
                Left::NotYet => {}
                Left::RelayDown => return Ok(accepted),
            }
        }
    }
    Ok(accepted)
}

/// Writes in a tenant beside the runtime.
async fn write<T: Send + 'static>(
    worker: &Worker,
    tenant: &Tenant,
    f: impl FnOnce(&mut Scope<'_>) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let (app, tenant) = (worker.app.clone(), tenant.clone());
    blocking(move || app.write_as(&tenant, Actor::system(), f)).await
}

async fn hand_over(worker: &Worker, transport: &Transport, tenant: &Tenant, held: Held) -> Result<Left, ApiError> {
    let message = held.clone();
    let sender = write(worker, tenant, move |scope| sender(scope, &message)).await?;
    let Some((sender, is_demo)) = sender else {
        return Ok(Left::NotYet);
    };
    if is_demo && !matches!(transport, Transport::File(_)) {
        let message = held.clone();
        write(worker, tenant, move |scope| {
            outbox::hold(scope, &message, "demo data never leaves by SMTP")
        })
        .await?;
        return Ok(Left::NotYet);
    }
    let Ok(to) = Address::parse(&held.address) else {
        let message = held.clone();
        write(worker, tenant, move |scope| {
            outbox::hold(scope, &message, "the address cannot be written to")
        })
        .await?;
        return Ok(Left::NotYet);
    };
    let session = match transport
        .open(&Envelope {
            from: sender.clone(),
            to,
        })
        .await
    {
        Ok(session) => session,
        Err(refusal) => return refused(worker, tenant, held, refusal).await,
    };
    worker.faults.at("opened")?;
    let message = held.clone();
    let intent = write(worker, tenant, move |scope| intend(scope, &message, &sender)).await?;
    let Intent::Send(bytes) = intent else {
        session.abort();
        return Ok(Left::NotYet);
    };
    worker.faults.at("intended")?;
    let outcome = session.finish(&bytes).await;
    worker.faults.at("finished")?;
    let left = match outcome {
        Outcome::Accepted { remote_ref } => {
            write(worker, tenant, move |scope| outbox::accepted(scope, &held, &remote_ref)).await?;
            Left::Accepted
        }
        Outcome::InDoubt { phase, text } => {
            let phase = phase.to_string();
            write(worker, tenant, move |scope| {
                outbox::in_doubt(scope, &held, &phase, &text)
            })
            .await?;
            Left::NotYet
        }
        Outcome::NotAccepted(refusal) => refused(worker, tenant, held, refusal).await?,
    };
    worker.faults.at("recorded")?;
    Ok(left)
}

/// Who sends for the tenant, and whether its data is invented; `None` when the message is not to be sent any more.
fn sender(scope: &mut Scope<'_>, held: &Held) -> Result<Option<(Address, bool)>, ApiError> {
    if held.sealed_bytes.is_none() && held.local_day != scope.today {
        // An unsent digest never outlives its day; its items form the next one.
        outbox::cancel(scope, held)?;
        return Ok(None);
    }
    let (from, is_demo): (String, bool) = local_governments::table
        .find(&scope.lg)
        .select((local_governments::mail_from, local_governments::is_demo))
        .first(scope.conn)?;
    if let Ok(address) = Address::parse(&from) {
        return Ok(Some((address, is_demo)));
    }
    outbox::hold(scope, held, "the sender's address cannot be used")?;
    Ok(None)
}

/// The intent: the lease still holds, something is still due, the bytes are fixed.
fn intend(scope: &mut Scope<'_>, held: &Held, sender: &Address) -> Result<Intent, ApiError> {
    if !outbox::holds(scope, held)? {
        return Ok(Intent::Nothing);
    }
    if let Some(sealed) = &held.sealed_bytes {
        let bytes = scope.app.keys.master.open("message", sealed)?;
        outbox::intend(scope, held)?;
        return Ok(Intent::Send(bytes));
    }
    let items = outbox::collect(scope, held)?;
    if items.is_empty() {
        outbox::cancel(scope, held)?;
        return Ok(Intent::Nothing);
    }
    let letter = letter::write(scope, held, sender, &items)?;
    let rows: Vec<ItemRow> = items.into_iter().map(|(item, _)| item).collect();
    let fixed = outbox::Fixed {
        bytes: &letter.bytes,
        subject: &letter.subject,
        message_id: &letter.message_id,
        template_version: crate::mail::templates::VERSION.to_string(),
    };
    outbox::fix(scope, held, &fixed, &rows)?;
    outbox::intend(scope, held)?;
    Ok(Intent::Send(letter.bytes))
}

async fn refused(worker: &Worker, tenant: &Tenant, held: Held, refusal: Refusal) -> Result<Left, ApiError> {
    tracing::warn!(message = held.id, phase = %refusal.phase, code = refusal.code, "a message was not accepted");
    let left = if refusal.relay_wide {
        Left::RelayDown
    } else {
        Left::NotYet
    };
    write(worker, tenant, move |scope| {
        let orphans = outbox::orphans(scope, &held)?;
        if outbox::refused(scope, &held, &refusal)? {
            for item in orphans {
                let next = next_contact(scope, &item)?;
                if next.is_none() {
                    let subject = Subject::of("obligation", &item.obligation_id);
                    scope.record("reminder.undeliverable", subject, json!({"stage": item.stage}));
                }
                outbox::hand_on(scope, &item, next)?;
            }
        }
        Ok(())
    })
    .await?;
    Ok(left)
}

/// Whom to tell when an address is dead: the deputy for the owner, otherwise the next role up that has another holder.
fn next_contact(scope: &mut Scope<'_>, item: &ItemRow) -> Result<Option<(Role, Contact)>, ApiError> {
    let people = plan::entry_people(scope, item.entry_id.iter().cloned().collect())?;
    let directory = plan::directory(scope, std::slice::from_ref(&item.organization_id), people.values())?;
    let nobody = plan::EntryPeople::default();
    let people = people.values().next().unwrap_or(&nobody);
    let mut role = if item.role.0 == Role::Owner {
        Some(Role::Deputy)
    } else {
        item.role.0.next_up()
    };
    while let Some(at) = role {
        let found = people.holders(&directory, &item.organization_id, at);
        if let Some(contact) = found.into_iter().find(|contact| contact.key != item.recipient) {
            return Ok(Some((at, contact)));
        }
        role = at.next_up();
    }
    Ok(None)
}
