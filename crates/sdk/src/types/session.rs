//! Payloads of the family `session`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// A session's surroundings were set up before its start, or put in order.
    SessionPrepared = "session.prepared", 1;
    required {}
    optional {
        /// String; such as `init`, `maintenance`.
        trigger "trigger": &str,
        cwd "cwd": &str,
        transcript_path "transcript_path": &str,
        permission_mode "permission_mode": &str,
        prompt_id "prompt_id": &str,
    }
    /// A session went on with a shortened context.
    SessionContinued = "session.continued", 1;
    required {}
    optional {
        model "model": &str,
        session_title "session_title": &str,
        cwd "cwd": &str,
        transcript_path "transcript_path": &str,
        permission_mode "permission_mode": &str,
        prompt_id "prompt_id": &str,
    }
    /// A session went to another working directory.
    SessionMoved = "session.moved", 1;
    required {}
    optional {
        /// String; may hold secrets or personal data.
        old_cwd "old_cwd": &str,
        /// String; may hold secrets or personal data.
        new_cwd "new_cwd": &str,
        cwd "cwd": &str,
        transcript_path "transcript_path": &str,
        permission_mode "permission_mode": &str,
        prompt_id "prompt_id": &str,
    }
    /// Somebody stopped an agent in the middle of its turn.
    SessionInterrupted = "session.interrupted", 1;
    required {}
    optional {
        turn_id "turn_id": &str,
        reason "reason": &str,
        cwd "cwd": &str,
        transcript_path "transcript_path": &str,
        permission_mode "permission_mode": &str,
        prompt_id "prompt_id": &str,
    }
    /// Somebody logged in to a vendor's service or out of it, or failed to.
    SessionAuthenticated = "session.authenticated", 1;
    required {}
    optional {
        /// String; such as `login`, `logout`.
        action "action": &str,
        success "success": impl Into<serde_json::Value>,
        auth_method "auth_method": &str,
        error_category "error_category": &str,
        /// Any; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        status_code "status_code": impl Into<serde_json::Value>,
    }
    /// A file of instructions became part of an agent's context.
    InstructionsLoaded = "instructions.loaded", 1;
    required {
        file_path "file_path": &str,
    }
    optional {
        /// String; such as `User`, `Project`, `Local`, `Managed`.
        memory_type "memory_type": &str,
        /// String; such as `session_start`, `nested_traversal`, `path_glob_match`, `include`, `compact`.
        load_reason "load_reason": &str,
        globs "globs": impl Into<serde_json::Value>,
        trigger_file_path "trigger_file_path": &str,
        parent_file_path "parent_file_path": &str,
    }
    /// A short command was turned into the prompt that it stands for.
    PromptExpanded = "prompt.expanded", 1;
    required {}
    optional {
        /// String; such as `slash_command`, `mcp_prompt`.
        expansion_type "expansion_type": &str,
        command_name "command_name": &str,
        /// Any; may hold secrets or personal data.
        command_args "command_args": impl Into<serde_json::Value>,
        command_source "command_source": &str,
        /// String; may hold secrets or personal data.
        prompt "prompt": &str,
    }
    /// A piece of an answer was shown while it was still being made.
    MessageDisplayed = "message.displayed", 1;
    required {}
    optional {
        turn_id "turn_id": &str,
        message_id "message_id": &str,
        index "index": u64,
        r#final "final": bool,
        /// String; may hold secrets or personal data.
        delta "delta": &str,
    }
    /// A mention in a prompt was looked up.
    MentionResolved = "mention.resolved", 1;
    required {}
    optional {
        /// String; such as `file`, `directory`, `agent`, `mcp_resource`.
        mention_type "mention_type": &str,
        success "success": impl Into<serde_json::Value>,
    }
    /// An agent's context is about to be shortened.
    CompactionRequested = "compaction.requested", 1;
    required {}
    optional {
        /// String; such as `auto`, `manual`.
        trigger "trigger": &str,
        /// String or null; may hold secrets or personal data.
        custom_instructions "custom_instructions": &str,
        context_usage_percent "context_usage_percent": impl Into<serde_json::Value>,
        context_tokens "context_tokens": u64,
        context_window_size "context_window_size": u64,
        message_count "message_count": u64,
        messages_to_compact "messages_to_compact": u64,
        is_first_compaction "is_first_compaction": bool,
    }
    /// An agent's context was shortened, or the attempt failed.
    CompactionCompleted = "compaction.completed", 1;
    required {}
    optional {
        /// String; such as `auto`, `manual`.
        trigger "trigger": &str,
        /// String; may hold secrets or personal data.
        compact_summary "compact_summary": &str,
        success "success": impl Into<serde_json::Value>,
        /// String; may hold secrets or personal data.
        message "message": &str,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        pre_tokens "pre_tokens": impl Into<serde_json::Value>,
        post_tokens "post_tokens": impl Into<serde_json::Value>,
    }
    /// A server of tools asked the user for something.
    ElicitationRequested = "elicitation.requested", 1;
    required {}
    optional {
        mcp_server_name "mcp_server_name": &str,
        /// String; may hold secrets or personal data.
        message "message": &str,
        /// String; such as `form`, `url`.
        mode "mode": &str,
        /// String; may hold secrets or personal data.
        url "url": &str,
        elicitation_id "elicitation_id": &str,
        /// Any; may hold secrets or personal data.
        requested_schema "requested_schema": impl Into<serde_json::Value>,
    }
    /// The user answered a server of tools, or would not.
    ElicitationAnswered = "elicitation.answered", 1;
    required {}
    optional {
        mcp_server_name "mcp_server_name": &str,
        /// String; such as `accept`, `decline`, `cancel`.
        action "action": &str,
        /// Any; may hold secrets or personal data.
        content "content": impl Into<serde_json::Value>,
        /// String; such as `form`, `url`.
        mode "mode": &str,
        elicitation_id "elicitation_id": &str,
    }
    /// All calls of tools that a model asked for at once have ended.
    ToolBatchCompleted = "tool_batch.completed", 1;
    required {}
    optional {
        /// Array of object; may hold secrets or personal data.
        tool_calls "tool_calls": impl Into<serde_json::Value>,
    }
    /// A model is about to choose among its tools.
    ToolSelectionRequested = "tool_selection.requested", 1;
    required {}
    optional {
        /// Object; may hold secrets or personal data.
        llm_request "llm_request": impl Into<serde_json::Value>,
    }
    /// A program around an agent met an error of its own.
    ErrorReported = "error.reported", 1;
    required {}
    optional {
        error_name "error_name": &str,
        error_code "error_code": &str,
        /// Any; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        /// String; such as `model_call`, `tool_execution`, `system`, `user_input`.
        error_context "error_context": &str,
        recoverable "recoverable": bool,
    }
    /// Somebody answered a question about how well a session went.
    FeedbackGiven = "feedback.given", 1;
    required {}
    optional {
        event_type "event_type": &str,
        appearance_id "appearance_id": &str,
        survey_type "survey_type": &str,
        /// Any; may hold secrets or personal data.
        response "response": impl Into<serde_json::Value>,
    }
    /// A program deleted what it had kept for longer than it should.
    RetentionSwept = "retention.swept", 1;
    required {}
    optional {}
}
