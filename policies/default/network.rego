# Addresses: where may be read from without asking, and what is sent.
package annals.gate

# A host, or `*.` and a domain for all below it. Reading only: what is sent is asked about everywhere.
known_hosts := {
	"github.com", "*.github.com", "*.githubusercontent.com", "*.github.io", "gitlab.com", "bitbucket.org", "codeberg.org",
	"*.npmjs.org", "www.npmjs.com", "unpkg.com", "cdn.jsdelivr.net", "esm.sh", "deno.land", "jsr.io", "nodejs.org",
	"pypi.org", "*.pythonhosted.org", "docs.python.org", "*.readthedocs.io", "*.readthedocs.org",
	"crates.io", "*.crates.io", "docs.rs", "doc.rust-lang.org", "static.rust-lang.org", "sh.rustup.rs",
	"pkg.go.dev", "proxy.golang.org", "go.dev", "golang.org", "rubygems.org", "repo1.maven.org", "repo.maven.apache.org",
	"hub.docker.com", "docs.docker.com", "kubernetes.io", "developer.mozilla.org", "stackoverflow.com", "en.wikipedia.org",
	"react.dev", "nextjs.org", "vite.dev", "vitejs.dev", "tailwindcss.com", "ui.shadcn.com", "www.typescriptlang.org",
	"docs.anthropic.com", "docs.claude.com", "code.claude.com", "platform.openai.com", "developers.openai.com",
	"ai.google.dev", "modelcontextprotocol.io", "datatracker.ietf.org", "www.rfc-editor.org", "www.w3.org", "man7.org",
}

hosts contains host if {
	some url in input.action.urls
	found := regex.find_n(`^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*`, url, 1)
	count(found) == 1
	authority := split(found[0], "://")[1]
	parts := split(authority, "@")
	host := lower(regex.replace(parts[count(parts) - 1], `:[0-9]*$`, ""))
}

is_local(host) if regex.match(`^(localhost|.*\.localhost|127(\.[0-9]{1,3}){3}|\[::1\]|0\.0\.0\.0|host\.docker\.internal)$`, host)

is_known(host) if is_local(host)

is_known(host) if host in known_hosts

is_known(host) if {
	some pattern in known_hosts
	startswith(pattern, "*.")
	endswith(host, substring(pattern, 1, -1))
}

reaches_out if input.action.class in {"web_fetch", "mcp_tool", "tool_call"}

reaches_out if input.gate == "egress"

reaches_out if {
	some command in commands
	command.program in fetching_programs
}

reaches_out if {
	some command in commands
	command.code != null
}

fetching_programs := {"curl", "wget", "http", "https", "xh", "aria2c", "lynx", "w3m", "git", "pip", "pip3", "npx", "npm", "pnpm", "yarn", "uv", "uvx", "go", "cargo", "brew", "youtube-dl", "yt-dlp"}

questions contains {"rule": "network.unknown_host", "reason": sprintf("nobody has said that %s may be reached", [host])} if {
	reaches_out
	some host in hosts
	not is_known(host)
}

questions contains {"rule": "network.unknown_host", "reason": "the address is known only when it runs, or not given"} if {
	some command in commands
	command.program in {"curl", "wget", "aria2c"}
	count(hosts) == 0
	not has_flag(command, "V", {"--version", "--help", "-h"})
}

questions contains {"rule": "network.unknown_host", "reason": "the call does not say which address it fetches"} if {
	input.action.class == "web_fetch"
	count(hosts) == 0
}

questions contains {"rule": "network.metadata", "reason": "that address gives out a machine's credentials"} if {
	some host in hosts
	host in {"169.254.169.254", "metadata.google.internal", "[fd00:ec2::254]", "100.100.100.200"}
}

# Sending.

questions contains {"rule": "network.upload", "reason": sprintf("`%s` sends something", [line(command)])} if {
	some command in commands
	sends(command)
	not only_local
}

only_local if {
	count(hosts) > 0
	every host in hosts { is_local(host) }
}

sends(command) if {
	command.program in {"curl", "wget", "http", "https", "xh"}
	some argument in command.args
	regex.match(`^(-d|-F|-T|--data.*|--form.*|--upload-file.*|--json.*|--post-.*|--body-.*|-X?(POST|PUT|PATCH|DELETE)|--request=?(POST|PUT|PATCH|DELETE)|--method=?.*|POST|PUT|PATCH|DELETE|post|put|patch|delete)$`, argument)
}

sends(command) if {
	command.program == "curl"
	some argument in command.args
	regex.match(`^-[a-zA-Z]*[dFT](@.*)?$|^-d.+`, argument)
}

questions contains {"rule": "network.remote", "reason": sprintf("`%s` reaches another machine", [line(command)])} if {
	some command in commands
	command.program in {"ssh", "scp", "sftp", "ftp", "telnet", "nc", "ncat", "netcat", "socat", "mosh", "rclone", "ngrok", "cloudflared", "mail", "sendmail", "mutt"}
}

questions contains {"rule": "network.remote", "reason": sprintf("`%s` reaches another machine", [line(command)])} if {
	some command in commands
	command.program == "rsync"
	some argument in command.args
	regex.match(`^[^/]+:`, argument)
}
