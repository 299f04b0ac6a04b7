//! Payloads of the family `room`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// A room was opened.
    RoomCreated = "room.created", 1;
    required {}
    optional {
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// String or null; may hold secrets or personal data.
        topic "topic": &str,
        room_mode "room_mode": &str,
        default_lang "default_lang": &str,
        tool_policy_ref "tool_policy_ref": &str,
    }
    /// A room's settings changed.
    RoomUpdated = "room.updated", 1;
    required {}
    optional {
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// String or null; may hold secrets or personal data.
        topic "topic": &str,
        room_mode "room_mode": &str,
        default_lang "default_lang": &str,
        tool_policy_ref "tool_policy_ref": &str,
    }
    /// A thread was begun in a room.
    ThreadCreated = "thread.created", 1;
    required {}
    optional {
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// String or null; such as `open`.
        status "status": &str,
    }
    /// A Discord channel was tied to a room.
    DiscordChannelMapped = "discord.channel.mapped", 1;
    required {
        mapping_id "mapping_id": &str,
    }
    optional {
        room_id "room_id": &str,
        discord_guild_id "discord_guild_id": &str,
        discord_channel_id "discord_channel_id": &str,
        discord_thread_id "discord_thread_id": &str,
        is_active "is_active": bool,
    }
    /// A message was taken over from Discord.
    DiscordMessageIngested = "discord.message.ingested", 1;
    required {
        ingest_id "ingest_id": &str,
        discord_message_id "discord_message_id": &str,
    }
    optional {
        room_id "room_id": &str,
        discord_guild_id "discord_guild_id": &str,
        discord_channel_id "discord_channel_id": &str,
        discord_thread_id "discord_thread_id": &str,
        /// String or null; may hold secrets or personal data.
        author_discord_id "author_discord_id": &str,
        /// String or null; may hold secrets or personal data.
        content_raw "content_raw": &str,
        deduped "deduped": bool,
    }
}
