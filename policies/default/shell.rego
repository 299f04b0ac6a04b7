# Command lines: what cannot be taken back, what reaches beyond the workspace, what cannot be read.
package annals.gate

default commands := []

commands := input.action.shell.commands

line(command) := substring(concat(" ", array.concat([command.program], command.args)), 0, 200)

has_flag(command, letters, words) if {
	some argument in command.args
	regex.match(concat("", ["^-[A-Za-z]*[", letters, "]"]), argument)
} else if {
	some argument in command.args
	argument in words
}

first_words(command) := [argument | some argument in command.args; not startswith(argument, "-")]

questions contains {"rule": "shell.opaque", "reason": sprintf("it cannot be told what this runs: %s", [input.action.shell.opaque])} if {
	input.action.shell.opaque != null
}

# Annals itself.

deny contains {"rule": "protected.command", "reason": sprintf("`%s` is for people", [line(command)])} if {
	some command in commands
	command.program == "annals"
	some word in command.args
	word in {"token", "settings", "redact", "restore", "key", "open", "approve", "deny", "decide", "rebuild"}
}

deny contains {"rule": "protected.command", "reason": sprintf("`%s` is for people", [line(command)])} if {
	some command in commands
	command.program == "annals"
	"hook" in command.args
	not "status" in command.args
}

deny contains {"rule": "protected.command", "reason": sprintf("`%s` is for people", [line(command)])} if {
	some guarded in input.protected.commands
	words := split(guarded, " ")
	some command in commands
	command.program == words[0]
	every word in array.slice(words, 1, count(words)) { word in command.args }
}

deny contains {"rule": "protected.process", "reason": sprintf("`%s` would stop Annals", [line(command)])} if {
	some command in commands
	command.program in {"pkill", "killall", "systemctl", "launchctl", "service"}
	some argument in command.args
	contains(argument, "annals")
}

# More rights.

questions contains {"rule": "shell.privilege", "reason": sprintf("`%s` runs with another user's rights", [line(command)])} if {
	some command in commands
	command.program in {"sudo", "doas", "su", "pkexec", "run0", "runas"}
}

# Deleting.

built := `/(node_modules|target|dist|build|out|\.next|\.nuxt|\.turbo|\.parcel-cache|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.tox|\.venv|venv|coverage|\.nyc_output|htmlcov|\.cache|\.gradle|DerivedData|[^/]+\.egg-info)(/|$)`

is_rebuildable(path) if {
	regex.match(built, path)
	is_at_home(path)
}

is_rebuildable(path) if {
	some folder in scratch
	is_inside(path, folder)
	path != folder
	not is_in_workspace(path)
	certain_start(path) != concat("", [folder, "/"])
}

# A workspace may lie among the scratch folders; what is in it counts as work.
is_in_workspace(path) if {
	some root in roots
	is_inside(path, root)
}

deletes_all(command) if {
	command.program == "rm"
	has_flag(command, "rR", {"--recursive"})
}

deletes_all(command) if {
	command.program == "rm"
	some argument in command.args
	contains(argument, "*")
}

deletes_all(command) if {
	command.program in {"find", "fd"}
	"-delete" in command.args
}

deletes_all(command) if command.program in {"shred", "srm", "trash"}

questions contains {"rule": "shell.delete", "reason": sprintf("`%s` deletes what nothing brings back", [line(command)])} if {
	some command in commands
	deletes_all(command)
	not only_rebuildable(command)
}

only_rebuildable(command) if {
	not command.dynamic
	count(command.paths) > 0
	every path in command.paths { is_rebuildable(path) }
}

questions contains {"rule": "shell.delete", "reason": sprintf("`%s` deletes files that are known only when it runs", [line(command)])} if {
	some command in commands
	command.program in {"rm", "unlink"}
	command.dynamic
}

questions contains {"rule": "shell.disk", "reason": sprintf("`%s` writes to a disk as a whole", [line(command)])} if {
	some command in commands
	regex.match(`^(mkfs.*|fdisk|sfdisk|gdisk|parted|wipefs|diskutil|mkswap|cryptsetup|lvremove|vgremove|zpool|blkdiscard)$`, command.program)
}

questions contains {"rule": "shell.disk", "reason": sprintf("%s is a device", [path])} if {
	some path in input.action.writes
	startswith(path, "/dev/")
}

# History.

# Without the options of git itself that take a word: `git -C folder push`.
git_words(command) := [word |
	some index, word in command.args
	not startswith(word, "-")
	not command.args[index - 1] in {"-C", "-c", "--git-dir", "--work-tree", "--namespace"}
]

questions contains {"rule": "git.push", "reason": sprintf("`%s` changes what others have", [line(command)])} if {
	some command in commands
	command.program == "git"
	git_words(command)[0] == "push"
	not "--dry-run" in command.args
}

questions contains {"rule": "git.history", "reason": sprintf("`%s` throws work away or writes history anew", [line(command)])} if {
	some command in commands
	command.program == "git"
	rewrites(command)
}

rewrites(command) if {
	words := git_words(command)
	words[0] in {"rebase", "filter-branch", "filter-repo", "gc", "prune", "update-ref", "replace"}
}

rewrites(command) if {
	git_words(command)[0] == "reset"
	some argument in command.args
	argument in {"--hard", "--merge", "--keep"}
}

rewrites(command) if {
	git_words(command)[0] == "clean"
	has_flag(command, "f", {"--force"})
}

rewrites(command) if {
	git_words(command)[0] == "commit"
	"--amend" in command.args
}

rewrites(command) if {
	git_words(command)[0] in {"branch", "tag"}
	some argument in command.args
	regex.match(`^(-[a-zA-Z]*[Dd]|--delete|-f|--force)$`, argument)
}

rewrites(command) if {
	words := git_words(command)
	words[0] in {"stash", "reflog"}
	words[1] in {"drop", "clear", "expire", "delete"}
}

rewrites(command) if {
	git_words(command)[0] in {"checkout", "restore", "switch"}
	some argument in command.args
	argument in {".", "-f", "--force", "--discard-changes", ":/"}
}

# Rights of files, other processes, the machine.

questions contains {"rule": "shell.permissions", "reason": sprintf("`%s` changes who may do what, everywhere below", [line(command)])} if {
	some command in commands
	command.program in {"chmod", "chown", "chgrp", "setfacl", "chattr"}
	has_flag(command, "R", {"--recursive", "777", "a+rwx", "u+s", "+s", "4755"})
}

questions contains {"rule": "shell.kill", "reason": sprintf("`%s` ends processes", [line(command)])} if {
	some command in commands
	command.program in {"kill", "pkill", "killall", "xkill", "taskkill", "fuser"}
	not only_own_jobs(command)
}

only_own_jobs(command) if {
	command.program == "kill"
	targets := first_words(command)
	count(targets) > 0
	every target in targets { regex.match(`^(%[0-9]+|\$!)$`, target) }
}

questions contains {"rule": "shell.machine", "reason": sprintf("`%s` changes the machine, not the workspace", [line(command)])} if {
	some command in commands
	command.program in {
		"shutdown", "reboot", "halt", "poweroff", "init", "systemctl", "launchctl", "service", "crontab", "at", "batch",
		"iptables", "nft", "ufw", "pfctl", "useradd", "userdel", "usermod", "adduser", "passwd", "chpasswd", "visudo",
		"mount", "umount", "insmod", "modprobe", "sysctl", "nvram", "csrutil", "defaults", "update-rc.d", "security",
	}
	not only_shows(command)
}

only_shows(command) if {
	command.program in {"systemctl", "service", "launchctl", "mount", "sysctl"}
	words := first_words(command)
	every word in array.slice(words, 0, 1) { word in {"status", "list", "list-units", "is-active", "show", "print"} }
	not has_flag(command, "w", {"--write"})
}

# Data.

questions contains {"rule": "data.destroyed", "reason": "tables, databases or all rows would go"} if {
	some command in commands
	command.program in {"psql", "mysql", "mariadb", "sqlite3", "mongosh", "mongo", "clickhouse", "clickhouse-client", "sqlcmd", "duckdb", "bq", "cockroach"}
	regex.match(`(?i)\b(drop\s+(table|database|schema|view|index|user|role)|truncate\b|delete\s+from\s+[^\s;]+\s*(;|"|'|$)|dropDatabase|\.drop\()`, input.action.command)
}

questions contains {"rule": "data.destroyed", "reason": sprintf("`%s` destroys data", [line(command)])} if {
	some command in commands
	destroys(command)
}

destroys(command) if command.program in {"dropdb", "dropuser"}

destroys(command) if {
	command.program == "redis-cli"
	some word in command.args
	lower(word) in {"flushall", "flushdb"}
}

# What others will see.

publishing := {
	["npm", "publish"], ["npm", "unpublish"], ["npm", "deprecate"], ["pnpm", "publish"], ["yarn", "publish"], ["bun", "publish"],
	["cargo", "publish"], ["cargo", "yank"], ["twine", "upload"], ["poetry", "publish"], ["uv", "publish"], ["hatch", "publish"],
	["flit", "publish"], ["gem", "push"], ["docker", "push"], ["podman", "push"], ["helm", "push"], ["mvn", "deploy"],
	["dotnet", "nuget"], ["vsce", "publish"], ["gh", "release"], ["gh", "repo"], ["gh", "secret"], ["gh", "api"], ["gh", "gist"],
	["glab", "release"], ["terraform", "apply"], ["terraform", "destroy"], ["tofu", "apply"], ["tofu", "destroy"],
	["pulumi", "up"], ["pulumi", "destroy"], ["kubectl", "apply"], ["kubectl", "delete"], ["kubectl", "exec"], ["kubectl", "drain"],
	["kubectl", "scale"], ["kubectl", "patch"], ["helm", "install"], ["helm", "upgrade"], ["helm", "uninstall"], ["vercel", "deploy"],
	["netlify", "deploy"], ["fly", "deploy"], ["flyctl", "deploy"], ["heroku", "apps"], ["serverless", "deploy"], ["cdk", "deploy"],
	["cdk", "destroy"], ["wrangler", "deploy"], ["wrangler", "publish"], ["firebase", "deploy"], ["docker", "system"], ["docker", "volume"], ["podman", "system"], ["podman", "volume"],
}

questions contains {"rule": "publish", "reason": sprintf("`%s` reaches other people or running systems", [line(command)])} if {
	some command in commands
	[command.program, first_words(command)[0]] in publishing
}

questions contains {"rule": "publish", "reason": sprintf("`%s` changes what others have", [line(command)])} if {
	some command in commands
	command.program in {"gh", "glab"}
	words := first_words(command)
	words[1] in {"create", "merge", "close", "delete", "edit", "comment", "reopen", "review", "transfer", "archive"}
}

questions contains {"rule": "publish", "reason": sprintf("`%s` reaches running systems", [line(command)])} if {
	some command in commands
	command.program in {"aws", "gcloud", "az", "doctl", "heroku"}
	some word in first_words(command)
	regex.match(`^(create|delete|put|update|remove|rm|terminate|run|start|stop|reboot|deploy|set|cp|sync|mv|attach|detach|send|invoke|publish)(-.*)?$`, word)
}

questions contains {"rule": "shell.container", "reason": sprintf("`%s` gives a container the machine", [line(command)])} if {
	some command in commands
	command.program in {"docker", "podman", "nerdctl"}
	some argument in command.args
	regex.match(`^(--privileged|--pid=host|(-v|--volume)=?/:|/:/.*|.*docker\.sock.*)`, argument)
}

# Programs out of nowhere.

shells := {"sh", "bash", "zsh", "dash", "ksh", "fish", "python", "python3", "node", "perl", "ruby", "php", "osascript", "source"}

questions contains {
	"rule": "shell.piped_script",
	"reason": sprintf("%s runs whatever %s gives it", [command.program, concat(", ", command.piped_from)]),
} if {
	some command in commands
	command.program in shells
	count(command.piped_from) > 0
	command.code == null
	every argument in command.args { regex.match(`^(-.*|/dev/stdin)$`, argument) }
}

risky_code := concat("|", [
	`\b(rmtree|unlink|remove|rmdir|removedirs|rename|truncate)(Sync)?\s*\(`, `\brm(Sync)?\s*\(`, `\bwriteFile`, `\bopen\([^)]*['"][wax]`,
	`\bwrite_text\b`, `\bsubprocess\b`, `\bos\.(system|popen|exec|spawn|kill|environ)`, `child_process`, `\bexecSync\b`, `\bsystem\s*\(`, "`",
	`\bsocket\b`, `\burllib\b`, `\brequests\.`, `\bhttpx\b`, `\baiohttp\b`, `\bhttps?\.(get|request)`, `\bfetch\(`, `\beval\(`, `\bexec\(`,
	`\bgetline\b`, `\bctypes\b`, `__import__`, `process\.env`, `\bunlink\b`,
])

questions contains {
	"rule": "shell.code",
	"reason": sprintf("the program text for %s deletes, writes, runs or sends something", [command.program]),
} if {
	some command in commands
	command.code != null
	regex.match(risky_code, command.code)
}

questions contains {"rule": "shell.steered", "reason": sprintf("`%s` makes the program run another one", [line(command)])} if {
	some command in commands
	some argument in command.args
	regex.match(`^(--checkpoint-action|--use-compress-program|--to-command|--rsh=|--pager=)|ProxyCommand|LocalCommand|^(core\.(pager|editor|sshCommand|hooksPath|fsmonitor)|alias\.[^=]+|diff\.external|sequence\.editor|credential\.helper)(=|$)`, argument)
}

# What interpreters are given as a script from outside of the workspace.
questions contains {"rule": "shell.foreign_script", "reason": sprintf("`%s` runs a file from outside of the workspace", [line(command)])} if {
	some command in commands
	command.program in {"sh", "bash", "zsh", "dash", "source", "."}
	command.code == null
	script := command.paths[0]
	not "-c" in command.args
	count(roots) > 0
	not is_at_home(script)
	not some_flag_c(command)
}

some_flag_c(command) if {
	some argument in command.args
	regex.match(`^-[a-z]*c[a-z]*$`, argument)
}
