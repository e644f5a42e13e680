//! NHS numbers to pseudonyms, and text to tags, a batch at a time.

use journal::{Service, SystemName};
use nhs::{CdsIdentifier, NhsNumber, OdsCode, Pseudonym};
use proto::identity::v1::{PseudonymiseRequest, TagContentRequest};
use referrals::LineTag;
use server::{NoPeer, PeerChannel, Peers};
use tonic::Status;
use wire::Pushback;

/// The most digests of one call: what the identity service takes.
const DIGESTS_MAX: usize = 8_000;

/// The identity service, asked for pseudonyms and tags.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    channel: PeerChannel,
}

impl Identity {
    pub(crate) fn new(peers: &Peers) -> Result<Self, NoPeer> {
        Ok(Self { channel: peers.channel(Service::Identity)? })
    }

    /// The tag of each digest, in their order.
    pub(crate) async fn tags(
        &self,
        system: &SystemName,
        digests: &[[u8; 32]],
    ) -> Result<Vec<[u8; 16]>, Status> {
        let mut tags = Vec::with_capacity(digests.len());
        for part in digests.chunks(DIGESTS_MAX) {
            let request = TagContentRequest { system: system.to_string(), digests: part.concat() };
            let answer = self.channel.ask(request).await.map_err(|status| {
                tracing::warn!(code = ?status.code(), "identity did not answer");
                Status::from(Pushback::Dependency)
            })?;
            let (chunks, rest) = answer.tags.as_chunks::<16>();
            if chunks.len() != part.len() || !rest.is_empty() {
                tracing::error!("identity answered another number of tags than it was asked for");
                return Err(Pushback::Dependency.into());
            }
            tags.extend_from_slice(chunks);
        }
        Ok(tags)
    }

    /// The tag of a provider's name for a line.
    pub(crate) async fn tag_of(
        &self,
        system: &SystemName,
        provider: OdsCode,
        name: &CdsIdentifier,
    ) -> Result<LineTag, Status> {
        let tags = self.tags(system, &[LineTag::digest(provider, name)]).await?;
        tags.into_iter().next().map(LineTag::new).ok_or_else(|| Pushback::Dependency.into())
    }

    /// The pseudonym of each number, in their order; `None` for one that identity does not take.
    pub(crate) async fn pseudonyms(
        &self,
        system: &SystemName,
        numbers: &[NhsNumber],
    ) -> Result<Vec<Option<Pseudonym>>, Status> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let request = PseudonymiseRequest {
            system: system.to_string(),
            nhs_numbers: numbers.iter().map(|number| number.reveal()).collect(),
        };
        let answer = self.channel.ask(request).await;
        // The status of another service is its caller's, not ours: whoever called us can only try again.
        let answer = answer.map_err(|status| {
            tracing::warn!(code = ?status.code(), "identity did not answer");
            Status::from(Pushback::Dependency)
        })?;
        let (chunks, rest) = answer.pseudonyms.as_chunks::<16>();
        if chunks.len() != numbers.len() || !rest.is_empty() {
            tracing::error!("identity answered another number of pseudonyms than it was asked for");
            return Err(Pushback::Dependency.into());
        }
        let mut pseudonyms: Vec<_> = chunks.iter().map(|bytes| Some(Pseudonym::new(*bytes))).collect();
        for invalid in answer.invalid {
            let index = usize::try_from(invalid.index).unwrap_or(usize::MAX);
            if let Some(slot) = pseudonyms.get_mut(index) {
                *slot = None;
            }
        }
        Ok(pseudonyms)
    }
}
