//! A registry for tests: the parts of the OCI distribution specification that a push and a pull need, and faults on request.
//!
//! Whether a request fails, and how, follows from a seed: a test that fails, fails again.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use beamship_image::Digest;

/// What is wrong with the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection ends before the request is read.
    DropAtOnce,
    /// The connection ends in the middle of the body.
    DropInBody,
    /// The request is done, but its answer never comes.
    DropAnswer,
    /// The answer ends in the middle of its body.
    DropInAnswer,
    /// Too many requests.
    TooMany,
    /// The registry is busy.
    Busy,
    /// It forgets an upload.
    Forget,
}

/// What a registry does besides working.
#[derive(Clone, Debug, Default)]
pub(crate) struct Behaviour {
    /// The seed of faults; none for a registry that works.
    pub(crate) faults: Option<u64>,
    /// Every request fails like this.
    pub(crate) always: Option<Fault>,
    /// It says that it has stored something else.
    pub(crate) lies_about_digests: bool,
    /// It sends other bytes than those it was given.
    pub(crate) corrupts_blobs: bool,
    /// It wants a token, which it gives to this user with this password.
    pub(crate) user: Option<(&'static str, &'static str)>,
    /// It wants the password itself, or what nobody here speaks.
    pub(crate) wants_password: bool,
    /// It answers with this when a blob is complete.
    pub(crate) refuses_blobs: Option<&'static str>,
    /// Blobs are at, and go to, this address.
    pub(crate) elsewhere: Option<SocketAddr>,
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    pub(crate) manifests: BTreeMap<String, (String, Vec<u8>)>,
    /// Which repository shows which blob.
    shown: BTreeSet<(String, String)>,
    uploads: BTreeSet<String>,
    random: u64,
    next: u64,
    pub(crate) requests: Vec<String>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) store: Arc<Mutex<Store>>,
}

struct Request {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
    is_cut: bool,
}

impl Store {
    fn blob(&self, name: &str, digest: &str) -> Option<Vec<u8>> {
        let is_shown = self.shown.contains(&(name.to_owned(), digest.to_owned()));
        self.blobs.get(digest).filter(|_| is_shown).cloned()
    }
}

impl Server {
    /// Starts a registry on a port of its own. It ends with the test.
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let random = behaviour.faults.unwrap_or(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let store = Arc::new(Mutex::new(Store { random, ..Store::default() }));
        let shared = Arc::clone(&store);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (store, behaviour) = (Arc::clone(&shared), behaviour.clone());
                std::thread::spawn(move || {
                    // A connection that breaks is the test's intention.
                    let _ = serve(&stream.unwrap(), &store, &behaviour, address);
                });
            }
        });
        Self { address, store }
    }

    /// The name of an image in it.
    pub(crate) fn reference(&self, name: &str) -> beamship_image::Reference {
        beamship_image::Reference::parse(&format!("{}/{name}", self.address)).unwrap()
    }
}

fn fault(store: &mut Store, behaviour: &Behaviour) -> Option<Fault> {
    if behaviour.always.is_some() {
        return behaviour.always;
    }
    behaviour.faults?;
    store.random ^= store.random << 13;
    store.random ^= store.random >> 7;
    store.random ^= store.random << 17;
    use Fault::{Busy, DropAnswer, DropAtOnce, DropInAnswer, DropInBody, Forget, TooMany};
    // A third of all requests fail.
    [DropAtOnce, DropInBody, DropAnswer, DropInAnswer, TooMany, Busy, Forget]
        .get(usize::try_from((store.random >> 20) % 21).unwrap())
        .copied()
}

fn serve(
    stream: &TcpStream,
    store: &Mutex<Store>,
    behaviour: &Behaviour,
    address: SocketAddr,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let fault = fault(&mut store.lock().unwrap(), behaviour);
        if fault == Some(Fault::DropAtOnce) {
            return Ok(());
        }
        let Some(request) = read_request(&mut reader, fault == Some(Fault::DropInBody))? else {
            return Ok(());
        };
        let (status, headers, body) = match fault {
            Some(Fault::TooMany) => {
                ("429 Too Many Requests", vec![("retry-after", "0".to_owned())], Vec::new())
            }
            Some(Fault::Busy) => ("503 Service Unavailable", vec![], b"<html>busy</html>".to_vec()),
            _ => {
                let mut store = store.lock().unwrap();
                store.requests.push(format!("{} {}", request.method, request.path));
                if fault == Some(Fault::Forget) {
                    store.uploads.clear();
                }
                answer(&request, &mut store, behaviour, address)
            }
        };
        if request.is_cut || fault == Some(Fault::DropAnswer) {
            return Ok(());
        }
        let mut head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut stream = stream;
        stream.write_all(head.as_bytes())?;
        if request.method != "HEAD" {
            if fault == Some(Fault::DropInAnswer) && body.len() > 1 {
                return stream.write_all(&body[..body.len() / 2]);
            }
            stream.write_all(&body)?;
        }
    }
}

fn read_request(reader: &mut BufReader<&TcpStream>, cuts: bool) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length: u64 = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let wanted = if cuts { length / 2 } else { length };
    let mut body = Vec::new();
    reader.take(wanted).read_to_end(&mut body)?;
    Ok(Some(Request { method, path, query, headers, body, is_cut: cuts && length > 1 }))
}

type Answer = (&'static str, Vec<(&'static str, String)>, Vec<u8>);

fn answer(request: &Request, store: &mut Store, behaviour: &Behaviour, address: SocketAddr) -> Answer {
    let not_found = || ("404 Not Found", vec![], br#"{"errors":[{"code":"UNKNOWN"}]}"#.to_vec());
    let header = |name: &str| request.headers.get(name).map(String::as_str).unwrap_or_default();
    if let Some((user, password)) = behaviour.user {
        let basic = format!("Basic {}", base64(&format!("{user}:{password}")));
        if behaviour.wants_password && header("authorization") != basic {
            let challenges = ["Negotiate", "Basic realm=\"test\""];
            let challenges = challenges.map(|challenge| ("www-authenticate", challenge.to_owned()));
            return ("401 Unauthorized", challenges.to_vec(), Vec::new());
        }
        if request.path == "/token" {
            return match header("authorization") == basic {
                true => ("200 OK", vec![], br#"{"token":"sesame"}"#.to_vec()),
                false => ("401 Unauthorized", vec![], br#"{"errors":[{"code":"UNAUTHORIZED"}]}"#.to_vec()),
            };
        }
        if !behaviour.wants_password && header("authorization") != "Bearer sesame" {
            let challenge = format!("Bearer realm=\"http://{address}/token\",service=\"test\"");
            return ("401 Unauthorized", vec![("www-authenticate", challenge)], Vec::new());
        }
    }
    let mut parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    if let ("GET", Some(elsewhere), ["v2", _, "blobs", _]) =
        (request.method.as_str(), behaviour.elsewhere, parts.as_slice())
    {
        let location = format!("http://{elsewhere}{}", request.path);
        return ("307 Temporary Redirect", vec![("location", location)], Vec::new());
    }
    // An address on the way, as registries have them behind another server.
    if parts.first() == Some(&"moved") {
        parts.remove(0);
    } else if parts.contains(&"manifests") && request.method == "GET" && behaviour.user.is_some() {
        return ("307 Temporary Redirect", vec![("location", format!("/moved{}", request.path))], Vec::new());
    }
    match (request.method.as_str(), parts.as_slice()) {
        ("HEAD" | "GET", ["v2", name, "blobs", digest]) => match store.blob(name, digest) {
            Some(bytes) => {
                let mut bytes = bytes;
                if behaviour.corrupts_blobs {
                    bytes.reverse();
                }
                let start =
                    header("range").trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap_or(0);
                let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
                (status, vec![], bytes.split_off(start))
            }
            None => not_found(),
        },
        ("POST", ["v2", name, "blobs", "uploads"]) => {
            let (mounted, from) = (parameter(&request.query, "mount"), parameter(&request.query, "from"));
            if let (Some(digest), Some(from)) = (mounted, from)
                && store.blob(&from, &digest).is_some()
            {
                store.shown.insert(((*name).to_owned(), digest.clone()));
                return ("201 Created", vec![("docker-content-digest", digest)], Vec::new());
            }
            store.next += 1;
            let id = store.next.to_string();
            store.uploads.insert(id.clone());
            let location = match behaviour.elsewhere {
                Some(elsewhere) => format!("http://{elsewhere}/v2/{name}/blobs/uploads/{id}?state=secret"),
                // Relative to the address that was asked.
                None if store.next.is_multiple_of(2) => format!("{id}?state=secret"),
                None => format!("/v2/{name}/blobs/uploads/{id}?state=secret"),
            };
            ("202 Accepted", vec![("location", location)], Vec::new())
        }
        ("PUT", ["v2", name, "blobs", "uploads", id]) => {
            if !store.uploads.remove(*id) {
                return not_found();
            }
            let digest = parameter(&request.query, "digest").unwrap_or_default();
            if let Some(status) = behaviour.refuses_blobs {
                return (status, vec![], br#"{"errors":[{"code":"X","message":"not today"}]}"#.to_vec());
            }
            if Digest::of(&request.body).as_str() != digest {
                return ("400 Bad Request", vec![], br#"{"errors":[{"code":"DIGEST_INVALID"}]}"#.to_vec());
            }
            store.blobs.insert(digest.clone(), request.body.clone());
            store.shown.insert(((*name).to_owned(), digest.clone()));
            ("201 Created", vec![("docker-content-digest", stored_digest(&digest, behaviour))], Vec::new())
        }
        ("PUT", ["v2", _, "manifests", name]) if !request.is_cut => {
            let digest = Digest::of(&request.body).to_string();
            let stored = (header("content-type").to_owned(), request.body.clone());
            store.manifests.insert((*name).to_owned(), stored.clone());
            store.manifests.insert(digest.clone(), stored);
            ("201 Created", vec![("docker-content-digest", stored_digest(&digest, behaviour))], Vec::new())
        }
        ("GET", ["v2", _, "manifests", name]) => match store.manifests.get(*name) {
            Some((kind, bytes)) => ("200 OK", vec![("content-type", kind.clone())], bytes.clone()),
            None => not_found(),
        },
        _ => not_found(),
    }
}

fn stored_digest(digest: &str, behaviour: &Behaviour) -> String {
    if behaviour.lies_about_digests { Digest::of(b"something else").to_string() } else { digest.to_owned() }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|field| field.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

fn base64(text: &str) -> String {
    data_encoding::BASE64.encode(text.as_bytes())
}
