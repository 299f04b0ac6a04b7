# What people have approved: for this action or this rule, by somebody else, not in the future, not too long ago.
package annals.gate

hour_ns := 3600000000000

now_ns := time.parse_rfc3339_ns(input.now)

# A grant that cannot be right is a sign of tampering or of a broken clock, whatever else it says.
deny contains {
	"rule": "grant.from_the_future",
	"reason": sprintf("the approval %s is dated %s, which has not come yet", [grant.grant_id, grant.approved_at]),
} if {
	some grant in input.grants
	time.parse_rfc3339_ns(grant.approved_at) > now_ns
}

deny contains {
	"rule": "grant.own",
	"reason": sprintf("the approval %s was given by who asks for it", [grant.grant_id]),
} if {
	some grant in input.grants
	some approver in grant.approvers
	approver in {input.principal.principal_id, input.agent.agent_id}
}

is_granted(question) if {
	some grant in input.grants
	question.rule in grant.rules
	grant.workspace_id == input.workspace.workspace_id
	time.parse_rfc3339_ns(grant.expires_at) > now_ns
	count({approver | some approver in grant.approvers}) >= object.get(question, "approvals", 1)
	is_in_scope(grant)
	is_fresh_enough(grant, question)
	is_enough_money(grant)
}

is_in_scope(grant) if {
	grant.scope == "once"
	grant.action_hash == input.action.hash
	is_recent(grant)
}

is_in_scope(grant) if {
	grant.scope == "run"
	grant.run_id != null
	grant.run_id == input.run.run_id
}

is_in_scope(grant) if grant.scope == "workspace"

is_recent(grant) if now_ns - time.parse_rfc3339_ns(grant.approved_at) <= hour_ns

# What asks for fresh verification is approved for this very action.
is_fresh_enough(grant, question) if {
	object.get(question, "fresh", false)
	grant.fresh
	grant.scope == "once"
}

is_fresh_enough(_, question) if not object.get(question, "fresh", false)

is_enough_money(_) if input.action.amount_micros == null

is_enough_money(grant) if {
	grant.amount_micros_max != null
	grant.amount_micros_max >= input.action.amount_micros
}
