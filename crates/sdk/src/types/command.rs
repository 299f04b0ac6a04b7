//! Payloads of the family `command`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// An agent is about to run a command.
    ShellCommandRequested = "shell_command.requested", 1;
    required {}
    optional {
        /// String; may hold secrets or personal data.
        command "command": &str,
        /// String or null; may hold secrets or personal data.
        cwd "cwd": &str,
        sandbox "sandbox": impl Into<serde_json::Value>,
    }
    /// A command of an agent ended.
    ShellCommandExecuted = "shell_command.executed", 1;
    required {}
    optional {
        /// String; may hold secrets or personal data.
        command "command": &str,
        /// String; may hold secrets or personal data.
        output "output": &str,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        sandbox "sandbox": impl Into<serde_json::Value>,
    }
    /// An agent is about to call a tool of an MCP server.
    McpCallRequested = "mcp_call.requested", 1;
    required {}
    optional {
        tool_name "tool_name": &str,
        /// Any; may hold secrets or personal data.
        input "input": impl Into<serde_json::Value>,
        /// String; may hold secrets or personal data.
        url "url": &str,
        /// String; may hold secrets or personal data.
        command "command": &str,
    }
    /// A call of a tool of an MCP server ended.
    McpCallExecuted = "mcp_call.executed", 1;
    required {}
    optional {
        tool_name "tool_name": &str,
        /// Any; may hold secrets or personal data.
        input "input": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        output "output": impl Into<serde_json::Value>,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
    }
    /// A server of tools was connected, lost or not reached.
    McpServerConnectionChanged = "mcp_server.connection_changed", 1;
    required {}
    optional {
        /// String; such as `connected`, `failed`, `disconnected`.
        status "status": &str,
        server_name "server_name": &str,
        transport_type "transport_type": &str,
        server_scope "server_scope": &str,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        error_code "error_code": &str,
        /// Any; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
    }
}
