//! A certificate authority of the test's own, and certificates for `localhost` and 127.0.0.1 signed by it, made by the
//! `openssl` command.

use super::run;
use std::path::{Path, PathBuf};

/// Where the PEM files are.
pub struct Certs {
    folder: PathBuf,
}

impl Certs {
    /// Makes an authority and a certificate in `folder`; an expired one when asked for.
    pub fn make(folder: &Path, expired: bool) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let certs = Self { folder: folder.to_owned() };
        std::fs::write(certs.path("openssl.cnf"), OPENSSL.replace("FOLDER", folder.to_str().unwrap()))
            .unwrap();
        std::fs::write(certs.path("index.txt"), "").unwrap();
        std::fs::write(certs.path("serial"), "01\n").unwrap();
        certs.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -config openssl.cnf \
             -extensions authority -subj /CN=Postdesk-test-authority -keyout ca.key -out ca.pem",
        );
        certs.openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config openssl.cnf -subj /CN=localhost \
             -keyout key.pem -out request.pem",
        );
        let end = if expired { "20200201000000Z" } else { "20991231235959Z" };
        certs.openssl(&format!(
            "ca -batch -notext -config openssl.cnf -startdate 20200101000000Z -enddate {end} \
             -in request.pem -out cert.pem"
        ));
        certs
    }

    fn openssl(&self, arguments: &str) {
        run(std::process::Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&self.folder));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The authority's certificate: what a client must trust.
    pub fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// The server's certificate.
    pub fn cert(&self) -> PathBuf {
        self.path("cert.pem")
    }

    /// Its key.
    pub fn key(&self) -> PathBuf {
        self.path("key.pem")
    }
}

const OPENSSL: &str = "
[req]
distinguished_name = name
prompt = no
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
subjectAltName = DNS:localhost,IP:127.0.0.1
extendedKeyUsage = serverAuth
[ca]
default_ca = here
[here]
database = FOLDER/index.txt
serial = FOLDER/serial
new_certs_dir = FOLDER
certificate = FOLDER/ca.pem
private_key = FOLDER/ca.key
default_md = sha256
policy = any
x509_extensions = server
[any]
commonName = supplied
";
