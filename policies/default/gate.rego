# The policy that Annals comes with: what a coding agent does all day goes on, what cannot be taken back waits.
#
# Every file adds to `deny` (never), `questions` (a person decides) or `obligations`; here they become the
# answer. A denial wins over a question, a question over an allowance, and nothing else allows.
# To change it: `annals policy show --out DIR`, edit, `annals policy test DIR`.
package annals.gate

# A question that nobody has answered yet.
require_approval contains question if {
	some question in questions
	not is_granted(question)
}

# What may go on at all, once nobody has said no and every question is answered.
allow contains {"rule": "allow.tool", "reason": sprintf("%s is an ordinary thing to do here", [input.action.class])} if {
	input.gate == "tool_call"
	input.action.type == "tool.invoke"
	input.action.class != "none"
}

allow contains {"rule": "allow.gate", "reason": sprintf("nothing speaks against %s", [input.action.type])} if {
	input.gate in {"run", "egress", "message", "payment", "policy", "admin"}
}

read_only_classes := {"file_read", "shell_session", "agent_state", "web_search"}

# Tools that no list knows: only a person can say what they do.
questions contains {
	"rule": "tool.unknown",
	"reason": sprintf("nobody has said what the tool %s does", [input.action.tool_name]),
} if {
	input.action.class == "tool_call"
}

# Tools of MCP servers go on if their name says that they only look.
questions contains {
	"rule": "tool.mcp",
	"reason": sprintf("%s may have effects outside", [input.action.tool_name]),
} if {
	input.action.class == "mcp_tool"
	not mcp_only_looks
}

mcp_only_looks if input.action.tool_name in {"ListMcpResourcesTool", "ReadMcpResourceTool"}

mcp_only_looks if {
	input.action.tool_name != null
	parts := split(replace(input.action.tool_name, ":", "__"), "__")
	regex.match(`^(get|list|read|search|find|describe|view|show|lookup|count)([_-].*)?$`, lower(parts[count(parts) - 1]))
}

# What other programs call irreversible.
questions contains {
	"rule": "action.external",
	"reason": sprintf("%s has effects outside that cannot be taken back", [input.action.type]),
} if {
	input.action.type in {"external.write", "email.send", "api.call.mutating"}
}

questions contains {
	"rule": "action.own_rules",
	"reason": sprintf("%s changes what Annals allows", [input.action.type]),
	"fresh": true,
} if {
	input.gate in {"policy", "admin"}
}
