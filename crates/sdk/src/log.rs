//! The log as a whole, as its routes tell it: checkpoint, keys, tiles, proofs, segments.
//!
//! It fetches and parses; what an answer proves, `verify` decides.

use std::io;

use annals_api::wire::{
    ConsistencyProof, LogKeys, LogSegments, LogStatus, RedactRequest, RedactionReceipt,
    RedactionsPage,
};
use annals_core::checkpoint::SignedCheckpoint;
use annals_core::hash::Digest;
use annals_core::note::VerifierKey;
use annals_core::tiles::TilePath;
use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::{Method, Url};

use crate::client::{Call, Client, LONG_REQUEST_TIMEOUT, Repeat, refusal};
use crate::error::ClientError;

impl Client {
    /// The newest signed checkpoint. Its signature is not checked here.
    ///
    /// # Errors
    /// When this credential may not, or the server stays away; so for all methods here.
    pub async fn checkpoint(&self) -> Result<SignedCheckpoint, ClientError> {
        let text = self.get_text(self.resource(["v1", "log", "checkpoint"], &[])).await?;
        SignedCheckpoint::parse(&text).map_err(|error| senseless(&error))
    }

    /// The keys that sign checkpoints, the present one first.
    ///
    /// # Errors
    /// As for [`Self::checkpoint`].
    pub async fn log_keys(&self) -> Result<Vec<VerifierKey>, ClientError> {
        let text = self.get_text(self.resource(["v1", "log", "key"], &[])).await?;
        let keys: Result<Vec<_>, _> = text.lines().map(str::parse).collect();
        keys.map_err(|error| senseless(&error))
    }

    /// Makes another key sign.
    ///
    /// # Errors
    /// As for [`Self::checkpoint`].
    pub async fn rotate_log_key(&self) -> Result<LogKeys, ClientError> {
        let url = self.resource(["v1", "log", "key", "rotate"], &[]);
        self.call(Call::new(Method::POST, url, None, Repeat::Matters)).await?.json()
    }

    /// The log's proofs at a glance.
    ///
    /// # Errors
    /// As for [`Self::checkpoint`].
    pub async fn log_status(&self) -> Result<LogStatus, ClientError> {
        self.get_json(self.resource(["v1", "log", "status"], &[])).await
    }

    /// The hashes of a tile.
    ///
    /// # Errors
    /// As for [`Self::checkpoint`]; and when the tile has not the width that was asked for.
    pub async fn tile(&self, tile: TilePath) -> Result<Vec<Digest>, ClientError> {
        let path = tile.to_string();
        let segments = ["v1", "log", "tile"].into_iter().chain(path.split('/'));
        let bytes = self.get_bytes(self.resource(segments, &[])).await?;
        if bytes.len() != usize::from(tile.width) * 32 {
            return Err(ClientError::Protocol(format!("tile {path} has {} bytes", bytes.len())));
        }
        Ok(bytes.chunks_exact(32).filter_map(Digest::from_slice).collect())
    }

    /// The proof that the tree of one size is a prefix of that of another.
    ///
    /// # Errors
    /// As for [`Self::checkpoint`].
    pub async fn consistency(&self, from: u64, to: u64) -> Result<ConsistencyProof, ClientError> {
        let parameters = [("from", from.to_string()), ("to", to.to_string())];
        self.get_json(self.resource(["v1", "log", "consistency"], &parameters)).await
    }

    /// Erases an event's body.
    ///
    /// # Errors
    /// As for [`Self::checkpoint`].
    pub async fn redact(
        &self,
        event_id: &str,
        request: &RedactRequest,
    ) -> Result<RedactionReceipt, ClientError> {
        let body = serde_json::to_string(request)
            .map_err(|error| ClientError::Invalid(error.to_string()))?;
        let url = self.resource(["v1", "events", event_id, "redact"], &[]);
        let body = Some(Bytes::from(body));
        // A second redaction is answered with the first receipt.
        let call = Call::new(Method::POST, url, body, Repeat::Harmless);
        self.call_within(LONG_REQUEST_TIMEOUT, call).await?.json()
    }

    /// A page of the workspace's redactions.
    ///
    /// # Errors
    /// As for [`Self::checkpoint`].
    pub async fn redactions(&self, cursor: Option<&str>) -> Result<RedactionsPage, ClientError> {
        let mut parameters = vec![("limit", "1000".to_owned())];
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get_json(self.resource(["v1", "redactions"], &parameters)).await
    }

    /// The files of the log.
    ///
    /// # Errors
    /// As for [`Self::checkpoint`].
    pub async fn segments(&self) -> Result<LogSegments, ClientError> {
        let url = self.resource(["v1", "log", "segments"], &[]);
        let call = Call::new(Method::GET, url, None, Repeat::Harmless);
        self.call_within(LONG_REQUEST_TIMEOUT, call).await?.json()
    }

    /// Some bytes of a file of the log.
    ///
    /// # Errors
    /// As for [`Self::checkpoint`].
    pub async fn segment_bytes(
        &self,
        first_position: u64,
        offset: u64,
        len: u64,
    ) -> Result<Bytes, ClientError> {
        let parameters = [("offset", offset.to_string()), ("len", len.to_string())];
        let first_position = first_position.to_string();
        let segments = ["v1", "log", "segments", &first_position];
        self.get_bytes(self.resource(segments, &parameters)).await
    }

    /// Writes a run's evidence file as it arrives; gives its bytes.
    ///
    /// # Errors
    /// As for [`Self::checkpoint`]; and when it cannot be written.
    pub async fn evidence(
        &self,
        run_id: &str,
        hash_only: &HashOnly,
        out: &mut dyn io::Write,
    ) -> Result<u64, EvidenceError> {
        let events = hash_only.events.iter().map(|id| ("hash_only", id.clone()));
        let types = hash_only.types.iter().map(|name| ("hash_only_type", name.clone()));
        let parameters: Vec<_> = events.chain(types).collect();
        let url = self.resource(["v1", "runs", run_id, "evidence"], &parameters);
        let sent = self.request(Method::GET, url).send().await;
        let response = sent.map_err(|error| ClientError::from_transport(self.url(), error))?;
        if !response.status().is_success() {
            return Err(refusal(response).await.into());
        }
        let mut chunks = response.bytes_stream();
        let mut byte_count = 0;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| ClientError::from_transport(self.url(), error))?;
            out.write_all(&chunk)?;
            byte_count += chunk.len() as u64;
        }
        Ok(byte_count)
    }

    async fn get_bytes(&self, url: Url) -> Result<Bytes, ClientError> {
        let call = Call::new(Method::GET, url, None, Repeat::Harmless);
        Ok(self.call(call).await?.body)
    }

    async fn get_text(&self, url: Url) -> Result<String, ClientError> {
        let bytes = self.get_bytes(url).await?;
        String::from_utf8(bytes.into()).map_err(|error| senseless(&error))
    }
}

/// Events that an evidence file includes as their hashes alone.
#[derive(Debug, Clone, Default)]
pub struct HashOnly {
    /// Their ids.
    pub events: Vec<String>,
    /// Their types, or families of types such as `tool.*`.
    pub types: Vec<String>,
}

/// An evidence file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The server did not give it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It cannot be written here.
    #[error("the file cannot be written")]
    Write(#[from] io::Error),
}

fn senseless(error: &dyn std::error::Error) -> ClientError {
    ClientError::Protocol(error.to_string())
}
