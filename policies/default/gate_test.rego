package annals.gate_test

base := {
	"version": 1, "gate": "tool_call", "now": "2026-11-20T12:00:00Z",
	"action": {
		"type": "tool.invoke", "tool_name": "Read", "class": "file_read", "arguments": {}, "command": null, "shell": null,
		"paths": ["/w/a.rs"], "writes": [], "urls": [], "amount_micros": null, "hash": "h",
	},
	"agent": {
		"agent_id": "a", "kind": "claude-code", "engine_id": null, "revoked": false, "quarantined": false,
		"capabilities": null, "zone": "supervised",
	},
	"principal": {"principal_id": "p", "role": "agent", "zone_max": null},
	"run": {"run_id": "r", "cwd": "/w", "permission_mode": null},
	"workspace": {"workspace_id": "ws", "root": "/w", "kill_switch": false},
	"risk": {"tier": null, "confidence": null, "automated": false},
	"estimate": null, "budget": {"exhausted": [], "remaining": []},
	"protected": {"paths": ["/d/annals"], "commands": []}, "grants": [],
}

with_action(change) := object.union(base, {"action": change})

shell(commands) := with_action({
	"class": "shell_command", "tool_name": "Bash", "command": "x",
	"shell": {"opaque": null, "commands": [object.union(
		{"program_path": null, "args": [], "dynamic": false, "via": [], "piped_from": [], "paths": [], "writes": [], "code": null},
		command,
	) |
		some command in commands
	]},
})

rules(set) := {one.rule | some one in set}

asks(input_, rule) if rule in rules(data.annals.gate.require_approval) with input as input_

denies(input_, rule) if rule in rules(data.annals.gate.deny) with input as input_

goes_on(input_) if {
	count(data.annals.gate.deny) == 0 with input as input_
	count(data.annals.gate.require_approval) == 0 with input as input_
	count(data.annals.gate.allow) > 0 with input as input_
}

test_reading_goes_on if goes_on(base)

test_nothing_is_allowed_without_a_class if not goes_on(with_action({"class": "none"}))

test_revoked if denies(object.union(base, {"agent": {"revoked": true}}), "agent.revoked")

test_revoked_must_be_said if denies(object.remove(base, ["agent"]), "agent.revoked")

test_quarantined if denies(object.union(base, {"agent": {"quarantined": true}}), "agent.quarantined")

test_kill_switch if denies(object.union(base, {"workspace": {"kill_switch": true}}), "workspace.kill_switch")

test_exhausted if denies(object.union(base, {"budget": {"exhausted": ["day"]}}), "budget.exhausted")

test_unknown_price if asks(object.union(base, {
	"estimate": {"tokens": 1, "cost_micros": null},
	"budget": {"remaining": [{"name": "day", "unit": "micros", "remaining": 5}]},
}), "budget.unknown_price")

test_unknown_tier if denies(object.union(base, {"risk": {"tier": "prohibited"}}), "risk.unknown_tier")

test_tier_high if asks(object.union(base, {"risk": {"tier": "high", "confidence": 1}}), "risk.high")

test_tier_systemic if asks(object.union(base, {"risk": {"tier": "systemic", "confidence": 1}}), "risk.systemic")

test_ls if goes_on(shell([{"program": "ls"}]))

test_rm_recursive if asks(shell([{"program": "rm", "args": ["-rf", "src"], "paths": ["/w/src"]}]), "shell.delete")

test_rm_build if goes_on(shell([{"program": "rm", "args": ["-rf", "target"], "paths": ["/w/target"]}]))

test_rm_build_elsewhere if asks(shell([{"program": "rm", "args": ["-rf", "x"], "paths": ["/other/target"]}]), "shell.delete")

test_sudo if asks(shell([{"program": "sudo", "args": ["ls"]}]), "shell.privilege")

test_pipe if asks(shell([{"program": "sh", "piped_from": ["curl"]}]), "shell.piped_script")

test_script_of_the_workspace if goes_on(shell([{"program": "bash", "args": ["x.sh"], "paths": ["/w/x.sh"]}]))

test_opaque if asks(with_action({"class": "shell_command", "command": "x", "shell": {"opaque": "why", "commands": []}}), "shell.opaque")

test_secret if asks(with_action({"paths": ["/w/.env"]}), "secret.file")

test_example_of_a_secret if goes_on(with_action({"paths": ["/w/.env.example"]}))

test_public_key if goes_on(with_action({"paths": ["/w/key.pem.pub"]}))

test_write_inside if goes_on(with_action({"class": "file_write", "paths": ["/w/b"], "writes": ["/w/b"]}))

test_write_outside if asks(with_action({"class": "file_write", "paths": ["/wx/b"], "writes": ["/wx/b"]}), "write.outside")

test_protected if denies(with_action({"paths": ["/d/annals/x"]}), "protected.path")

test_deleting_above_the_protected if denies(shell([{"program": "rm", "args": ["-r", "/d"], "paths": ["/d"]}]), "protected.path")

test_copying_beside_the_protected if not denies(shell([{"program": "cp", "args": ["x", "/d"], "paths": ["/w/x", "/d"]}]), "protected.path")

test_looking_above_the_protected if goes_on(shell([{"program": "find", "args": ["/d"], "paths": ["/d"]}]))

test_not_protected if goes_on(with_action({"paths": ["/d/annals2/x"]}))

test_host_known if goes_on(with_action({"class": "web_fetch", "paths": [], "urls": ["https://docs.rs:443/x"]}))

test_host_unknown if asks(with_action({"class": "web_fetch", "urls": ["https://docs.rs.evil.example/"]}), "network.unknown_host")

test_annals if denies(shell([{"program": "annals", "args": ["token", "create"]}]), "protected.command")

test_payment if asks(
	object.union(base, {"gate": "payment", "action": {"type": "payment.send", "class": "none", "amount_micros": 1}}),
	"payment.approval",
)
