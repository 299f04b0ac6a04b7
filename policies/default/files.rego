# Files: what is protected, what is secret, and where an agent works.
package annals.gate

roots contains root if {
	root := input.workspace.root
	is_folder(root)
}

roots contains root if {
	root := input.run.cwd
	is_folder(root)
}

# The root of all files is nobody's workspace.
is_folder(path) if {
	path != null
	count(trim(path, "/")) > 0
}

scratch := {"/tmp", "/private/tmp", "/var/tmp"}

is_inside(path, folder) if path == folder

is_inside(path, folder) if startswith(path, concat("", [trim_suffix(folder, "/"), "/"]))

is_at_home(path) if {
	some folder in roots | scratch
	is_inside(path, folder)
}

# The parts of a path with a pattern in it that are certain.
certain_start(path) := split(regex.replace(path, `[*?\[{]`, "\u0000"), "\u0000")[0]

# What no agent may touch.

deny contains {"rule": "protected.path", "reason": sprintf("%s belongs to Annals", [guarded])} if {
	some guarded in input.protected.paths
	some path in input.action.paths
	is_inside(path, guarded)
}

# Below a home directory that nobody knows.
deny contains {"rule": "protected.path", "reason": sprintf("%s belongs to Annals", [guarded])} if {
	some path in input.action.paths
	startswith(path, "~/")
	some guarded in input.protected.paths
	below := trim_prefix(path, "~")
	contains(concat("", [guarded, "/"]), concat("", [below, "/"]))
}

# A folder above it, which would take it along.
deny contains {"rule": "protected.path", "reason": sprintf("%s would go along with %s", [guarded, path])} if {
	some path in taken_away
	some guarded in input.protected.paths
	is_inside(guarded, path)
}

taken_away contains path if {
	input.action.class == "file_delete"
	some path in input.action.writes
}

taken_away contains path if {
	some command in commands
	command.program in {"rm", "rmdir", "mv", "shred", "srm", "trash"}
	some path in command.paths
}

taken_away contains path if {
	some command in commands
	command.program in {"chmod", "chown", "chgrp"}
	has_flag(command, "R", {"--recursive"})
	some path in command.paths
}

taken_away contains path if {
	some command in commands
	command.program in {"find", "fd"}
	"-delete" in command.args
	some path in command.paths
}

# A pattern that may mean it.
deny contains {"rule": "protected.path", "reason": sprintf("%s may mean %s", [path, guarded])} if {
	some path in input.action.paths
	start := certain_start(path)
	start != path
	some guarded in input.protected.paths
	startswith(guarded, start)
	path in input.action.writes
}

deny contains {"rule": "protected.mention", "reason": sprintf("the command line names %s, which belongs to Annals", [guarded])} if {
	input.action.command != null
	some guarded in input.protected.paths
	contains(input.action.command, guarded)
}

deny contains {"rule": "protected.mention", "reason": sprintf("the arguments name %s, which belongs to Annals", [guarded])} if {
	input.action.class in {"mcp_tool", "tool_call"}
	some guarded in input.protected.paths
	contains(json.marshal(input.action.arguments), guarded)
}

deny contains {"rule": "protected.token", "reason": "an agent has no business with the owner's token"} if {
	some path in input.action.paths
	endswith(path, "/owner.token")
}

# By which an agent could take off its own hook.
deny contains {"rule": "protected.settings", "reason": sprintf("%s says which hooks the agent has", [path])} if {
	some path in input.action.writes
	regex.match(`/(\.claude/settings(\.local)?\.json|managed-settings\.json|\.codex/(config\.toml|hooks\.json)|\.gemini/settings\.json|\.cursor/hooks\.json|\.github/hooks/[^/]+\.json|\.copilot/(config|hooks)[^/]*\.json)$`, path)
}

# Secrets.

secret_pattern := concat("|", [
	`/\.env(\.[^/]*)?\*?$`, `/\.ssh(/.*)?$`, `/\.gnupg(/.*)?$`, `/\.aws/(credentials|config)$`, `/\.azure/`, `/\.kube/config$`,
	`/\.docker/config\.json$`, `/\.config/(gh|gcloud|op|doppler)/`, `/\.netrc$`, `/\.npmrc$`, `/\.pypirc$`, `/\.git-credentials$`,
	`/\.pgpass$`, `/\.password-store(/|$)`, `/\.vault-token$`, `/\.terraform\.d/credentials`, `/(id_rsa|id_ed25519|id_ecdsa|id_dsa)$`,
	`\.(pem|p12|pfx|jks|keystore|kdbx|key)$`, `/(credentials|secrets?)\.(json|ya?ml|toml|ini)$`, `/[Kk]eychains/`, `/keyrings?/`,
	`^/etc/(shadow|gshadow|sudoers)`, `^/proc/[^/]+/environ$`, `/\.(bash|zsh)_history$`, `/(Login Data|Cookies|logins\.json)$`,
])

is_secret(path) if {
	regex.match(secret_pattern, path)
	not regex.match(`\.(example|sample|template|dist|pub)$|/known_hosts$|\.env\.(test|ci)$`, path)
}

questions contains {"rule": "secret.file", "reason": sprintf("%s usually holds secrets", [path])} if {
	input.action.class != "shell_command"
	some path in input.action.paths
	is_secret(path)
}

questions contains {"rule": "secret.file", "reason": sprintf("%s usually holds secrets", [path])} if {
	some command in commands
	not command.program in {"ls", "stat", "test", "[", "tree", "du", "find", "git", "cd", "mkdir"}
	some path in array.concat(command.paths, command.writes)
	is_secret(path)
}

questions contains {"rule": "secret.environment", "reason": "the environment is printed, and secrets with it"} if {
	some command in commands
	command.program in {"printenv", "env", "export", "set"}
	every argument in command.args { startswith(argument, "-") }
}

# Outside of where it works.

questions contains {"rule": "write.outside", "reason": sprintf("%s is outside of the workspace", [path])} if {
	some path in input.action.writes
	not is_at_home(path)
	not path in {"/dev/null", "/dev/stdout", "/dev/stderr"}
}

questions contains {"rule": "write.unknown", "reason": "the call does not say what it writes"} if {
	input.action.class in {"file_write", "file_edit", "file_delete"}
	count(input.action.writes) == 0
}

questions contains {"rule": "write.git_hooks", "reason": sprintf("%s runs by itself later", [path])} if {
	some path in input.action.writes
	regex.match(`/\.git/(hooks/|config$)`, path)
}
