//! Whom a connection by HTTPS from here trusts: the system's authorities, and those of the house that a setting names.
//! Receivers of webhooks and the provider of sign-ins are asked so; the relay has [`crate::mail`]'s own.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// TLS that trusts the system's authorities and these (PEM).
///
/// # Errors
/// Certificates that cannot be read.
pub(crate) fn tls(extra_pem: Option<&str>) -> Result<TlsConfig, rustls::pki_types::pem::Error> {
    let mut roots: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs()
        .certs
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect();
    for der in CertificateDer::pem_slice_iter(extra_pem.unwrap_or_default().as_bytes()) {
        roots.push(Certificate::from_der(&der?).to_owned());
    }
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::from(roots))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build())
}
