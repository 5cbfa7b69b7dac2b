//! From the options of TLS to a transfer over HTTP.

use std::path::PathBuf;

use oc2_transfer_http::{Authorities, ClientTls, HttpTransfer, Identity, TlsError, Token};

use crate::cli::Cli;
use crate::failure::Failure;
use crate::security::{Papers, SecurityOptions, read};
use crate::send::tell;

/// The transfer to the Consumer at this URL, not connected yet.
pub(crate) fn transfer(cli: &Cli, url: &str, is_secure: bool) -> Result<HttpTransfer, Failure> {
    let transfer = HttpTransfer::new(url).map_err(Failure::usage)?;
    let transfer = if is_secure {
        transfer.with_tls(tls(&cli.security)?).map_err(Failure::usage)?
    } else {
        cli.security.refuse_certificates("http", "https")?;
        transfer
    };
    let path = match cli.security.token() {
        Some(path) => path,
        None if cli.security.token_in_clear => return Err(Failure::usage("--token-in-clear: there is no --token")),
        None => return Ok(transfer),
    };
    // That it cannot be read is said before anything is sent.
    read(&path)?;
    let token = Token::from_file(path);
    if cli.security.token_in_clear {
        tell("warning", "anybody on the way can take the token (--token-in-clear)");
        return Ok(transfer.with_token_in_clear(token));
    }
    transfer.with_token(token).map_err(|error| {
        Failure::usage(error).with_remedy("With TLS it is --to https://HOST; --token-in-clear shows it all the same.")
    })
}

fn tls(options: &SecurityOptions) -> Result<ClientTls, Failure> {
    let Papers { ca, identity } = options.papers()?;
    let of = |path: PathBuf| move |error: TlsError| Failure::usage(format!("{}: {error}", path.display()));
    let authorities = match ca {
        Some((path, pem)) => Authorities::from_pem(&pem).map_err(of(path))?,
        None => Authorities::of_system()
            .map_err(|error| Failure::usage(error).with_remedy("--ca FILE says whom to trust."))?,
    };
    let identity = identity.map(|(path, chain, key)| Identity::from_pem(&chain, &key).map_err(of(path))).transpose()?;
    ClientTls::new(authorities, identity).map_err(Failure::usage)
}
