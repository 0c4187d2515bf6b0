//! Loading an image into a running Docker or Podman.
//!
//! Docker's engine, and Podman's service, take an archive over a Unix socket (`POST /images/load`). The request is HTTP/1.1,
//! the archive is sent as it is made, in chunks, and nothing of it is kept. Without a socket Podman's own command takes the
//! archive from its standard input.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use crate::archive;
use crate::error::{At, ImageError};
use crate::image::Images;
use crate::reference::Reference;

/// How long an engine may take to answer once it has everything.
const TIMEOUT: Duration = Duration::from_secs(600);

/// What an engine is allowed to answer, in bytes.
const LONGEST_ANSWER: u64 = 4 * 1024 * 1024;

/// An engine that images can be loaded into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The socket of Docker or of Podman's service.
    Socket(Utf8PathBuf),
    /// Podman without a service.
    Podman(Utf8PathBuf),
}

impl Engine {
    /// The engine of this machine: the one that `DOCKER_HOST` names, else Docker, else Podman.
    ///
    /// # Errors
    ///
    /// When there is none, or `DOCKER_HOST` names one on another machine.
    pub fn find() -> Result<Self, ImageError> {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        if let Some(host) = variable("DOCKER_HOST") {
            let Some(path) = host.strip_prefix("unix://") else {
                return Err(ImageError::NoEngine {
                    reason: format!("DOCKER_HOST is `{host}`, and only `unix://` is supported"),
                });
            };
            return Ok(Self::Socket(path.into()));
        }
        let mut sockets = vec![Utf8PathBuf::from("/var/run/docker.sock")];
        if let Some(directory) = variable("XDG_RUNTIME_DIR") {
            sockets.push(Utf8Path::new(&directory).join("docker.sock"));
            sockets.push(Utf8Path::new(&directory).join("podman/podman.sock"));
        }
        sockets.push("/run/podman/podman.sock".into());
        let mut reasons = Vec::new();
        for socket in sockets {
            match UnixStream::connect(&socket) {
                Ok(_) => return Ok(Self::Socket(socket)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => reasons.push(format!("`{socket}`: {error}")),
            }
        }
        let path = variable("PATH").unwrap_or_default();
        let podman = std::env::split_paths(&path)
            .map(|directory| directory.join("podman"))
            .find(|file| file.is_file());
        if let Some(podman) = podman.and_then(|file| Utf8PathBuf::from_path_buf(file).ok()) {
            return Ok(Self::Podman(podman));
        }
        if reasons.is_empty() {
            reasons.push("no socket was found, and no `podman` in PATH".to_owned());
        }
        Err(ImageError::NoEngine { reason: reasons.join("; ") })
    }

    /// What it is called in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Socket(path) if path.as_str().contains("podman") => format!("Podman (`{path}`)"),
            Self::Socket(path) => format!("Docker (`{path}`)"),
            Self::Podman(_) => "Podman".to_owned(),
        }
    }

    /// Loads images.
    ///
    /// # Errors
    ///
    /// When it is gone, or does not take them.
    pub fn load(&self, images: &Images, name: &Reference) -> Result<(), ImageError> {
        match self {
            Self::Socket(path) => self.load_into_socket(path, images, name),
            Self::Podman(program) => self.load_into_podman(program, images, name),
        }
    }

    fn refused(&self, reason: impl Into<String>) -> ImageError {
        ImageError::Engine { engine: self.name(), reason: reason.into() }
    }

    fn load_into_socket(&self, path: &Utf8Path, images: &Images, name: &Reference) -> Result<(), ImageError> {
        let mut stream = UnixStream::connect(path)
            .map_err(|error| ImageError::NoEngine { reason: format!("`{path}`: {error}") })?;
        stream.set_read_timeout(Some(TIMEOUT)).at("use", path)?;
        stream.set_write_timeout(Some(TIMEOUT)).at("use", path)?;
        let head = "POST /images/load?quiet=1 HTTP/1.1\r\nHost: docker\r\nContent-Type: application/x-tar\r\n\
                    Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).at("write to", path)?;
        let mut body = io::BufWriter::with_capacity(64 * 1024, Chunked(&stream));
        let sent = archive::write_to(images, Some(name), &mut body, path);
        let sent = sent.and_then(|()| body.flush().at("write to", path));
        drop(body);
        // An engine that refuses answers before it has everything: its reason is worth more than a broken pipe.
        let finished = sent.is_ok() && stream.write_all(b"0\r\n\r\n").is_ok();
        let answer = Answer::read(&stream);
        match answer {
            Ok(answer) if finished && answer.is_success() => Ok(()),
            Ok(answer) => Err(self.refused(answer.text())),
            Err(error) => {
                sent?;
                Err(self.refused(format!("its answer cannot be read: {error}")))
            }
        }
    }

    fn load_into_podman(
        &self,
        program: &Utf8Path,
        images: &Images,
        name: &Reference,
    ) -> Result<(), ImageError> {
        let mut child = Command::new(program)
            .args(["load", "--quiet"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .at("run", program)?;
        let sent = match child.stdin.take() {
            Some(mut stdin) => archive::write_to(images, Some(name), &mut stdin, program),
            None => Ok(()),
        };
        let output = child.wait_with_output().at("run", program)?;
        if !output.status.success() {
            return Err(self.refused(String::from_utf8_lossy(&output.stderr).trim()));
        }
        sent
    }
}

/// The chunked transfer coding (RFC 9112, section 7.1).
struct Chunked<'a>(&'a UnixStream);

impl Write for Chunked<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            self.0.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
            self.0.write_all(bytes)?;
            self.0.write_all(b"\r\n")?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// An answer of the engine.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    /// One JSON object after the other.
    body: Vec<u8>,
}

impl Answer {
    fn read(stream: impl Read) -> io::Result<Self> {
        let mut reader = BufReader::new(stream.take(LONGEST_ANSWER));
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, "it is not HTTP");
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(wrong)?;
        let mut is_chunked = false;
        let mut length = None;
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "transfer-encoding" => is_chunked = value.trim().eq_ignore_ascii_case("chunked"),
                "content-length" => length = value.trim().parse::<u64>().ok(),
                _ => {}
            }
        }
        let mut body = Vec::new();
        if is_chunked {
            loop {
                line.clear();
                reader.read_line(&mut line)?;
                let digits = line.trim_end().split(';').next().unwrap_or_default();
                let size = u64::from_str_radix(digits, 16).map_err(|_| wrong())?;
                if size == 0 {
                    break;
                }
                let read = (&mut reader).take(size).read_to_end(&mut body)?;
                if (read as u64) < size {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                line.clear();
                reader.read_line(&mut line)?;
            }
        } else {
            reader.take(length.unwrap_or(LONGEST_ANSWER)).read_to_end(&mut body)?;
        }
        Ok(Self { status, body })
    }

    fn objects(&self) -> Vec<serde_json::Value> {
        serde_json::Deserializer::from_slice(&self.body).into_iter().map_while(Result::ok).collect()
    }

    /// A failure during the load is reported in the body of an answer whose status is a success.
    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
            && !self.objects().iter().any(|object| object.get("error").is_some())
    }

    /// Its text, for people.
    fn text(&self) -> String {
        let objects = self.objects();
        let keys = ["error", "message", "stream"];
        let text = |object: &serde_json::Value| {
            keys.iter().find_map(|key| object.get(key)?.as_str()).map(|text| text.trim().to_owned())
        };
        let texts: Vec<String> = objects.iter().filter_map(text).filter(|text| !text.is_empty()).collect();
        match texts.last() {
            Some(last) => last.clone(),
            None if self.body.is_empty() => format!("status {}", self.status),
            None => String::from_utf8_lossy(&self.body).trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_both_forms() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{\"stream\":\"Loaded image: a:1\\n\"}\r\n0\r\n\r\n";
        let answer = Answer::read(chunked.as_bytes()).unwrap();
        assert!(answer.is_success());
        assert_eq!(answer.text(), "Loaded image: a:1");
        let plain = "HTTP/1.1 500 Oops\r\nContent-Length: 20\r\n\r\n{\"message\":\"no room\"}ignored";
        let answer = Answer::read(plain.as_bytes()).unwrap();
        assert!(!answer.is_success());
        assert_eq!(answer.status, 500);
        let late = "HTTP/1.1 200 OK\r\n\r\n{\"stream\":\"x\"}{\"errorDetail\":{},\"error\":\"bad layer\"}";
        let answer = Answer::read(late.as_bytes()).unwrap();
        assert!(!answer.is_success());
        assert_eq!(answer.text(), "bad layer");
        assert!(Answer::read("SSH-2.0-OpenSSH\r\n".as_bytes()).is_err());
        assert!(
            Answer::read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc".as_bytes())
                .is_err()
        );
    }
}
