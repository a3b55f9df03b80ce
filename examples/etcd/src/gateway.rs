//! etcd's transactions, by its JSON gateway (`POST /v3/kv/txn`): compare, and then this or else that.

use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// What went wrong with etcd.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// etcd gave no answer, or none that can be read. Of a commit it isn't known whether it was made.
    #[error("etcd at `{url}` gave no answer: see whether it runs and has a leader, and ask again")]
    Unanswered {
        /// Where it was asked.
        url: String,
        /// What the client said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// etcd refused the request. A commit that is refused so may have been made by an earlier attempt.
    #[error("etcd refused the request: {0}")]
    Refused(String),
    /// A commit is larger than etcd takes. Nothing was written.
    #[error(
        "a commit of {operations} operations is larger than etcd takes ({said}): make it in smaller parts, or raise \
         `--max-txn-ops` (128) and `--max-request-bytes` (1.5 MiB) of every member"
    )]
    TooLarge {
        /// How many keys it writes.
        operations: usize,
        /// What etcd said.
        said: String,
    },
    /// What is kept under a key can't be read: something else wrote it.
    #[error("the key `{key}` holds what can't be read")]
    Unreadable {
        /// The key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What a transaction is made on condition of.
pub(crate) enum Compare {
    /// The key has this value.
    Is(String, String),
    /// There is no such key.
    Absent(String),
}

/// What a transaction does.
pub(crate) enum Operation {
    /// Reads one key.
    Get(String),
    /// Reads all keys that begin so, in the order of their bytes.
    GetAll(String),
    /// Writes a key.
    Put(String, String),
    /// Deletes a key.
    Delete(String),
    /// Deletes a key that has this value.
    DeleteIf(String, String),
}

/// What a transaction answers.
pub(crate) struct Answer {
    /// Whether the comparisons held, and the first list was done.
    pub(crate) succeeded: bool,
    /// Of each operation that read, what it found.
    pub(crate) found: Vec<Vec<Pair>>,
    /// The revision of everything that was found: the same again at this one is the same snapshot.
    pub(crate) revision: i64,
}

/// A key and its value.
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Pair {
    /// What the value stands for.
    pub(crate) fn read<T: for<'a> Deserialize<'a>>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.value).map_err(|source| Error::Unreadable {
            key: self.key.clone(),
            source: Box::new(source),
        })
    }
}

/// A way to an etcd.
#[derive(Debug)]
pub(crate) struct Gateway {
    agent: ureq::Agent,
    url: String,
}

impl Gateway {
    pub(crate) fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            // Longer than an election. After that a commit's outcome is unknown, and asked for.
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .build();
        Self {
            agent: config.into(),
            url: format!("{url}/v3/kv/txn"),
        }
    }

    /// A transaction that only reads: one snapshot, and no older than what was written before (linearizable). At a
    /// `revision`, what was there then.
    pub(crate) fn read(
        &self,
        operations: &[Operation],
        revision: Option<i64>,
    ) -> Result<Answer, Error> {
        let success: Vec<Value> = operations.iter().map(|it| it.json(revision)).collect();
        self.send(&json!({ "success": success }), operations.len())
    }

    /// Where all comparisons hold, `then`; otherwise, in the same moment, `otherwise`.
    pub(crate) fn compare(
        &self,
        compare: &[Compare],
        then: &[Operation],
        otherwise: &[Operation],
    ) -> Result<Answer, Error> {
        let compare: Vec<Value> = compare.iter().map(Compare::json).collect();
        let [success, failure] = [then, otherwise]
            .map(|list| -> Vec<Value> { list.iter().map(|it| it.json(None)).collect() });
        let request = json!({ "compare": compare, "success": success, "failure": failure });
        self.send(&request, then.len())
    }

    fn send(&self, request: &Value, operations: usize) -> Result<Answer, Error> {
        let (is_done, body) = self.post(request).map_err(|error| self.unanswered(error))?;
        if is_done {
            let answer: TxnResponse =
                serde_json::from_slice(&body).map_err(|error| self.unanswered(error))?;
            return Ok(answer.answer());
        }
        let refusal: Refusal =
            serde_json::from_slice(&body).map_err(|error| self.unanswered(error))?;
        let said = refusal.error;
        let reasons = ["too many operations", "too large", "larger than max"];
        if reasons.iter().any(|reason| said.contains(reason)) {
            return Err(Error::TooLarge { operations, said });
        }
        Err(Error::Refused(said))
    }

    /// Whether it was done, and what was answered: read to its end before it is looked at.
    fn post(&self, request: &Value) -> Result<(bool, Vec<u8>), ureq::Error> {
        let mut response = self.agent.post(&self.url).send_json(request)?;
        let body = response.body_mut().with_config().limit(u64::MAX);
        let body = body.read_to_vec()?;
        Ok((response.status().is_success(), body))
    }

    fn unanswered(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Unanswered {
            url: self.url.clone(),
            source: source.into(),
        }
    }
}

/// Keys and values travel as base64.
fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// The end of a range: after everything that begins so. No key of ours begins with 0xff.
fn end_of_prefix(prefix: &str) -> String {
    STANDARD.encode([prefix.as_bytes(), &[0xff]].concat())
}

impl Compare {
    fn json(&self) -> Value {
        match self {
            Self::Is(key, value) => {
                json!({ "target": "VALUE", "key": base64(key), "value": base64(value), "result": "EQUAL" })
            }
            Self::Absent(key) => {
                json!({ "target": "CREATE", "key": base64(key), "create_revision": "0", "result": "EQUAL" })
            }
        }
    }
}

impl Operation {
    fn json(&self, revision: Option<i64>) -> Value {
        let revision = revision.unwrap_or_default().to_string(); // 0: now
        match self {
            Self::Get(key) => {
                json!({ "request_range": { "key": base64(key), "revision": revision } })
            }
            Self::GetAll(prefix) => json!({ "request_range": {
                "key": base64(prefix), "range_end": end_of_prefix(prefix), "revision": revision
            } }),
            Self::Put(key, value) => {
                json!({ "request_put": { "key": base64(key), "value": base64(value) } })
            }
            Self::Delete(key) => json!({ "request_delete_range": { "key": base64(key) } }),
            // A transaction in the transaction.
            Self::DeleteIf(key, value) => json!({ "request_txn": {
                "compare": [Compare::Is(key.clone(), value.clone()).json()],
                "success": [Self::Delete(key.clone()).json(None)]
            } }),
        }
    }
}

// What the gateway answers. It leaves out what is empty, zero or false, and writes numbers of 64 bits as text.

#[derive(Deserialize)]
struct TxnResponse {
    header: Header,
    #[serde(default)]
    succeeded: bool,
    #[serde(default)]
    responses: Vec<Response>,
}

#[derive(Deserialize)]
struct Header {
    #[serde(deserialize_with = "number")]
    revision: i64,
}

#[derive(Deserialize)]
struct Response {
    response_range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    kvs: Vec<KeyValue>,
}

#[derive(Deserialize)]
struct KeyValue {
    #[serde(deserialize_with = "text")]
    key: String,
    #[serde(deserialize_with = "text", default)]
    value: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
    String::from_utf8(bytes).map_err(serde::de::Error::custom)
}

impl TxnResponse {
    fn answer(self) -> Answer {
        let ranges = self
            .responses
            .into_iter()
            .filter_map(|response| response.response_range);
        let pairs = |range: Range| -> Vec<Pair> {
            let pair = |KeyValue { key, value }| Pair { key, value };
            range.kvs.into_iter().map(pair).collect()
        };
        Answer {
            succeeded: self.succeeded,
            found: ranges.map(pairs).collect(),
            revision: self.header.revision,
        }
    }
}
