# Who asks: revoked, quarantined, stopped, out of money, without the capability, above its zone.
# Each of these is a condition of its own; none is an alternative to another.
package annals.gate

deny contains {"rule": "agent.revoked", "reason": "the agent was revoked"} if {
	not input.agent.revoked == false
}

deny contains {"rule": "agent.quarantined", "reason": "the agent is quarantined"} if {
	not input.agent.quarantined == false
}

deny contains {"rule": "workspace.kill_switch", "reason": "the workspace was stopped"} if {
	not input.workspace.kill_switch == false
}

deny contains {"rule": "budget.exhausted", "reason": sprintf("the budget %s is used up", [name])} if {
	some name in input.budget.exhausted
}

deny contains {
	"rule": "budget.estimate",
	"reason": sprintf("%d %s are expected, and the budget %s has %d", [wanted, budget.unit, budget.name, budget.remaining]),
} if {
	some budget in input.budget.remaining
	wanted := estimated[budget.unit]
	wanted > budget.remaining
}

estimated["tokens"] := input.estimate.tokens

estimated["micros"] := input.estimate.cost_micros if input.estimate.cost_micros != null

# A price that nobody knows is never nothing.
questions contains {
	"rule": "budget.unknown_price",
	"reason": sprintf("nobody knows what this costs, and the budget %s counts money", [budget.name]),
} if {
	some budget in input.budget.remaining
	budget.unit == "micros"
	input.estimate != null
	input.estimate.cost_micros == null
}

deny contains {
	"rule": "capability.missing",
	"reason": sprintf("no capability of %s covers %s", [input.agent.agent_id, input.action.type]),
} if {
	input.agent.capabilities != null
	not is_capable
}

is_capable if {
	input.agent.capabilities != null
	some capability in input.agent.capabilities
	covers(capability.action_types, input.action.type)
	covers_tool(capability.tools)
	every host in hosts { covers_host(capability.egress_domains, host) }
}

covers(allowed, _) if allowed == null

covers(allowed, wanted) if wanted in allowed

covers_tool(allowed) if allowed == null

covers_tool(allowed) if input.action.tool_name in allowed

covers_tool(_) if input.action.tool_name == null

covers_host(allowed, _) if allowed == null

covers_host(allowed, host) if host in allowed

covers_host(allowed, host) if {
	some pattern in allowed
	startswith(pattern, "*.")
	endswith(host, substring(pattern, 1, -1))
}

# The lower of the agent's and the principal's zone caps what goes on without a person.
zone_ranks := {"sandbox": 1, "supervised": 2, "high_stakes": 3}

zone := min({rank |
	some name in [input.agent.zone, input.principal.zone_max, "high_stakes"]
	rank := zone_ranks[name]
})

questions contains {
	"rule": "zone.sandbox",
	"reason": "in the zone sandbox an agent may only look",
} if {
	zone == 1
	not input.action.class in read_only_classes
	not only_looks
}

only_looks if {
	input.action.class == "shell_command"
	input.action.shell.opaque == null
	count(input.action.writes) == 0
	every command in commands { command.program in looking_programs }
}

looking_programs := {
	"ls", "cat", "head", "tail", "grep", "egrep", "rg", "wc", "pwd", "cd", "echo", "printf", "stat", "file", "tree",
	"du", "df", "which", "type", "true", "false", "test", "[", "sort", "uniq", "cut", "tr", "date", "basename", "dirname",
}
