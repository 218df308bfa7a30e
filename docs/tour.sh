#!/usr/bin/env bash
# One engagement through its whole life, against a running demo: from the clause plan to the erasure certificate.
#
#   cargo run --release -- demo        # in one terminal
#   docs/tour.sh                       # in another; or docs/tour.sh DIR/demo.json
#
# Needs curl and perl. Every step is one call of the API; what it prints is what came back.
set -euo pipefail
demo=${1:-kakunin-demo/demo.json}

# A value of the JSON on standard input, by its path: items.0.id
value() {
    perl -MJSON::PP -CO -e '
        my $v = decode_json(join "", <STDIN>);
        for (split /\./, $ARGV[0]) { $v = ref $v eq "ARRAY" ? $v->[$_] : $v->{$_}; }
        print ref $v ? JSON::PP->new->canonical->encode($v) : $v // "null";' "$1"
}

base=$(value base_url <"$demo")
organization=$(value organizations.0.id <"$demo")
token=$(curl -sS -u "$(value client_id <"$demo"):$(value client_secret <"$demo")" \
    -d grant_type=client_credentials "$(value token_url <"$demo")" | value access_token)

# call METHOD PATH [BODY [PERSON]]: the answer; the body of an error ends the tour.
call() {
    local answer
    local arguments=(-sS -X "$1" -H "Authorization: Bearer $token" -H 'If-Match: *' --fail-with-body)
    [ -n "${3:-}" ] && arguments+=(-H 'Content-Type: application/json' -d "$3")
    [ -n "${4:-}" ] && arguments+=(-H "Acting-Person: $4")
    if ! answer=$(curl "${arguments[@]}" "$base/api/v1$2"); then
        printf '%s %s: %s\n' "$1" "$2" "$answer" >&2
        exit 1
    fi
    printf '%s' "$answer"
}

say() { printf '\n%s\n' "$*"; }

# Who is who: the head of the first section is its security manager, a member of the section owns the work.
people=$(call GET '/people?limit=200')
holder() {
    perl -MJSON::PP -e '
        my ($role, @taken) = @ARGV;
        for my $p (@{decode_json(join "", <STDIN>)->{items}}) {
            next if grep { $_ eq $p->{id} } @taken;
            my @roles = map { $_->{role} } @{$p->{roles}};
            if ($role ? grep { $_ eq $role } @roles : !@roles && @{$p->{appointments}}) { print $p->{id}; last; }
        }' "$@" <<<"$people"
}
section=$(call GET '/posts?limit=1')
manager=$(value items.0.holders.0.person_id <<<"$section")
department=$(value items.0.department_id <<<"$section")
procurement=$(holder procurement_officer)
owner=$(holder '' "$manager")
deputy=$(holder '' "$manager" "$owner")

say '1. Which clauses does a mailing of newsletters need? POST /clause-plans'
facts='{"confidentiality":"c2","integrity":"i1","availability":"a1","handles_personal_information":false,
  "handles_sensitive_personal_information":false,"handles_specific_personal_information":false,"data_subjects":"none",
  "subcontracting":"none","network_zones":["internet"],"access_mode":"offsite_copy","internet_facing":false,
  "jurisdiction":"domestic","terms_form":"negotiated","substitutability":"easy","engagement_kind":"clerical_work",
  "includes_equipment":false,"emergency_channel":false,"audience_size":0,"operation_delegated":false}'
plan=$(call POST /clause-plans "{\"kind\":\"contractor_engagement\",\"phase\":\"active\",\"organization_id\":\"$organization\",\"facts\":$facts}")
echo "   $(grep -o '"clause_key"' <<<"$plan" | wc -l) clauses; the first: $(value requirements.0.title <<<"$plan")"

say '2. A draft with owner and deputy. POST /engagements'
made=$(call POST /engagements "{\"organization_id\":\"$organization\",\"department_id\":\"$department\",\"name\":\"広報紙の発送業務（ツアー）\",\"facts\":$facts,
  \"owner\":{\"person_id\":\"$owner\"},\"deputy\":{\"person_id\":\"$deputy\"}}")
id=$(value id <<<"$made")
echo "   $(value control_number <<<"$made"): $(value status <<<"$made"), risk $(value risk.residual_level <<<"$made")"

# take TRANSITION PERSON [MORE]: takes a transition in a person's name.
take() {
    call POST "/entries/$id/transitions" "{\"transition\":\"$1\",\"reason\":\"所定の手続による。\"${3:-}}" "$2" >/dev/null
    local entry
    entry=$(call GET "/entries/$id")
    echo "   $1 → $(value status <<<"$entry"), risk $(value risk.residual_level <<<"$entry") ($(value risk.residual_score_x100 <<<"$entry")/100)"
}

# unmet TRANSITION: the clauses that stand against it, each with the status it needs.
unmet() {
    call GET "/entries/$id/transitions" | perl -MJSON::PP -e '
        for my $o (@{decode_json(join "", <STDIN>)->{options}}) {
            next unless $o->{transition} eq $ARGV[0];
            print "$_->{clause_key} $_->{required}\n" for grep { $_->{clause_key} } @{$o->{unmet}};
        }' "$1"
}

# fulfil TRANSITION BODY_IF_VERIFIED BODY_ELSE: records every clause that stands against a transition.
fulfil() {
    local key required count=0
    while read -r key required; do
        local body=$3
        [ "$required" = verified ] && body=$2
        call PUT "/entries/$id/clauses/$key" "$body" >/dev/null
        count=$((count + 1))
    done < <(unmet "$1")
    echo "   $count clauses stood against $1; recorded"
}
today=$(call GET "/entries/$id/gaps" | value as_of_on)
verified="{\"declared\":true,\"verified_on\":\"$today\",\"verified_by_person_id\":\"$manager\"}"
agreed='{"declared":true,"agreed":{"article":"第8条"}}'
both="{\"declared\":true,\"agreed\":{\"article\":\"第8条\"},\"verified_on\":\"$today\",\"verified_by_person_id\":\"$manager\"}"

say '3. Selection: who may not go on is told why; then check sheet, a second person, and the choice.'
refused=$(curl -sS -X POST -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -H "Acting-Person: $owner" \
    -d '{"transition":"submit_for_selection","reason":"所定の手続による。"}' "$base/api/v1/entries/$id/transitions")
echo "   refused: $(value code <<<"$refused"): $(value unmet.0.message <<<"$refused")"
take submit_for_selection "$owner" ',"conditions":["selection_conditions_set"]'
contractor=$(call GET '/contractors?limit=1' | value items.0.id)
fulfil select "$verified" '{"declared":true}'
call POST "/entries/$id/approvals" '{"transition":"select","role":"section_security_manager"}' "$manager" >/dev/null
take select "$procurement" ",\"contractor_id\":\"$contractor\""

say '4. The contract: its period, and every clause with its article.'
call POST "/engagements/$id/periods" "{\"contract_number\":\"ツアー第1号\",\"starts_on\":\"$today\",\"ends_on\":\"$(
    perl -MTime::Piece -MTime::Seconds -e 'print((Time::Piece->strptime($ARGV[0], "%Y-%m-%d") + ONE_DAY * 364)->ymd)' "$today")\"}" >/dev/null
fulfil conclude_contract "$both" "$agreed"
take conclude_contract "$procurement"

say '5. The start: what must be confirmed before it is, and the tier decides who approves.'
fulfil start_performance "$both" "$agreed"
call POST "/entries/$id/approvals" "{\"transition\":\"start_performance\",\"role\":\"ciso\",\"decided_elsewhere\":
  {\"decided_by\":\"副市長（CISO）\",\"decided_on\":\"$today\",\"document_number\":\"ツアー第2号\"}}" "$manager" >/dev/null
take start_performance "$manager"
echo "   next due: $(call GET "/entries/$id" | value next_due_on)"

say '6. A finding is put right: a corrective action closes with evidence, never without.'
action=$(call POST /corrective-actions "{\"entry_id\":\"$id\",\"title\":\"接続記録の保存期間を1年に改める\"}")
evidence=$(call POST /evidence "{\"organization_id\":\"$organization\",\"entry_id\":\"$id\",\"kind\":\"corrective_action_record\",\"title\":\"改めた手順書\"}" | value id)
call POST "/corrective-actions/$(value id <<<"$action")/closures" "{\"done\":\"手順を改めた。\",\"evidence_ids\":[\"$evidence\"]}" "$owner" >/dev/null
echo "   opened, due $(value due_on <<<"$action"), closed with evidence"

say '7. The end: early with a cause, and not before everything is returned or erased.'
take begin_closing "$manager" ',"cause":"convenience"'
certificate=$(call POST /evidence "{\"organization_id\":\"$organization\",\"entry_id\":\"$id\",\"kind\":\"erasure_certificate\",\"title\":\"データ消去証明書\"}" | value id)
fulfil complete_closing "${both%\}},\"evidence_id\":\"$certificate\"}" "$agreed"
take complete_closing "$manager"

say '8. All of it can be re-told years later. GET /entries/{entry_id}/timeline'
call GET "/entries/$id/timeline?limit=200" | perl -MJSON::PP -CO -e '
    my %n; $n{$_->{action}}++ for @{decode_json(join "", <STDIN>)->{items}};
    printf "   %d x %s\n", $n{$_}, $_ for sort keys %n;'
changes=$(call GET "/entries/$id/risk-history?limit=1")
echo "   the last change of the risk: $(value items.0.trigger <<<"$changes")"

say "$(call GET "/entries/$id" | value status): 広報紙の発送業務（ツアー）"
