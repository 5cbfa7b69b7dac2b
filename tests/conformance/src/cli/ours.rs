//! Runs against ours, in all its ways.

use std::sync::Arc;
use std::time::Duration;

use oc2_tests_broker::{Mosquitto, Tap};

use super::{Cli, Failure};
use crate::check::{self, Check, Over};
use crate::field::{Field, enclosed, enter};
use crate::producer::OwnBroker;
use crate::progress::Progress;
use crate::run::{Filter, conduct, run};
use crate::session::{Asked, Session};
use crate::subject::{DEVICE, Extent, Ours};
use crate::verdict::Notes;
use crate::wire::client::Broker;
use crate::wire::http::Http;
use crate::wire::mqtt::Mqtt;
use crate::wire::tls::Files;

impl Cli {
    /// Ours in all its ways, whose notes are put together.
    pub(super) fn ours(&self, checks: &[Check], filter: &Filter, progress: &mut Progress) -> Result<Notes, Failure> {
        let asked = self.asked(filter, true)?;
        let mut notes = Notes::default();
        if self.subject != "ours-mqtt" {
            for extent in [Extent::Full, Extent::Bare] {
                progress.begin(checks.len());
                let mut ours = Ours::over_http(extent)?;
                let mut wire = Http::new("127.0.0.1", ours.port(), "", Duration::from_secs(self.choice.timeout));
                let mut restart = || ours.stop().and_then(|()| ours.start_again());
                notes.merge(run(&mut wire, asked.clone(), checks, Some(&mut restart), progress)?);
            }
        }
        if self.subject == "ours" {
            notes.merge(self.ours_guarded(&asked, checks, progress)?);
            notes.merge(self.ours_over_https_for_strangers(&asked, checks, progress)?);
            self.by_packets(filter, &mut notes, progress);
        }
        if self.subject == "ours"
            && let Some(own) = self.ours_over_https(&asked, checks, progress)?
        {
            notes.merge(own);
        }
        if self.subject != "ours-http" {
            match Mosquitto::start() {
                None => progress.say("mosquitto is not installed: nothing was run over MQTT."),
                Some(broker) => {
                    progress.begin(checks.len());
                    notes.merge(self.ours_over_mqtt(&broker, asked.clone(), checks, progress)?);
                    notes.merge(self.ours_over_mqtts(asked.clone(), checks, progress)?);
                    notes.merge(self.ours_kept_alive(asked, checks, progress)?);
                }
            }
        }
        Ok(notes)
    }

    /// For whoever may do little, and seldom.
    fn ours_guarded(&self, asked: &Asked, checks: &[Check], progress: &mut Progress) -> Result<Notes, Failure> {
        let ours = Ours::over_http(Extent::Guarded)?;
        let forbidden = serde_json::json!({"action": "deny", "target": {"ipv4_net": "203.0.113.7"}});
        let asked = Asked { forbidden: Some(forbidden), overloads: true, ..asked.clone() };
        let mut wire = Http::new("127.0.0.1", ours.port(), "", Duration::from_secs(self.choice.timeout));
        let checks: Vec<_> =
            checks.iter().filter(|check| check.needs.forbidden || check.needs.overloads).copied().collect();
        progress.begin(checks.len());
        Ok(run(&mut wire, asked, &checks, None, progress)?)
    }

    /// Where tokens are asked for, strangers are told so in HTTP.
    fn ours_over_https_for_strangers(
        &self,
        asked: &Asked,
        checks: &[Check],
        progress: &mut Progress,
    ) -> Result<Notes, Failure> {
        let Some((ours, files)) = Ours::over_https_with_tokens()? else { return Ok(Notes::default()) };
        let asked = Asked { files: Files { identity: None, ..files }, ..asked.clone() };
        let tls = asked.files.config().map_err(Failure::Usage)?;
        let patience = Duration::from_secs(self.choice.timeout);
        let mut wire = Http::new("localhost", ours.port(), "", patience).secured(Arc::new(tls));
        let checks: Vec<_> = checks.iter().filter(|check| check.ids().contains(&"HTTPS-076")).copied().collect();
        progress.begin(checks.len());
        Ok(run(&mut wire, asked, &checks, None, progress)?)
    }

    /// What does not depend on TLS was seen without it; the rest of HTTPS holds in both modes.
    fn ours_over_https(
        &self,
        asked: &Asked,
        checks: &[Check],
        progress: &mut Progress,
    ) -> Result<Option<Notes>, Failure> {
        let Some((ours, files)) = Ours::over_https()? else { return Ok(None) };
        let asked = Asked { files, ..asked.clone() };
        let tls = asked.files.config().map_err(Failure::Usage)?;
        let patience = Duration::from_secs(self.choice.timeout);
        let mut wire = Http::new("localhost", ours.port(), "", patience).secured(Arc::new(tls));
        let checks: Vec<_> =
            checks.iter().filter(|check| matches!(check.needs.over, Over::Http | Over::Tls)).copied().collect();
        progress.begin(checks.len());
        Ok(Some(run(&mut wire, asked, &checks, None, progress)?))
    }

    fn ours_over_mqtt(
        &self,
        broker: &Mosquitto,
        asked: Asked,
        checks: &[Check],
        progress: &mut Progress,
    ) -> Result<Notes, Failure> {
        let tap = Tap::to(broker.port());
        let mut ours = Ours::over_mqtt(tap.port())?;
        let patience = Duration::from_secs(self.choice.timeout);
        let mut wire = Mqtt::connect(&Broker::here(broker.port()), DEVICE, patience, Some(tap))?;
        let mut restart = || ours.stop().and_then(|()| ours.start_again());
        // What does not depend on the transfer was seen over HTTP, in a tenth of the time.
        let is_of_mqtt = |check: &&Check| {
            self.subject == "ours-mqtt" || matches!(check.needs.over, Over::Mqtt | Over::Tap) || check.needs.cbor
        };
        let checks: Vec<_> = checks.iter().filter(is_of_mqtt).copied().collect();
        Ok(run(&mut wire, asked, &checks, Some(&mut restart), progress)?)
    }

    /// What its client offers to a broker with TLS.
    fn ours_over_mqtts(&self, asked: Asked, checks: &[Check], progress: &mut Progress) -> Result<Notes, Failure> {
        let own = OwnBroker::start(true)?;
        let ca = own.ca().unwrap_or_default();
        let mut ours = Ours::over_mqtts(own.tap.port(), &ca)?;
        let patience = Duration::from_secs(self.choice.timeout);
        let OwnBroker { tap, broker, .. } = &own;
        let mut wire = Mqtt::connect(broker, DEVICE, patience, Some(tap.clone()))?;
        let mut restart = || ours.stop().and_then(|()| ours.start_again());
        let checks: Vec<_> = checks.iter().filter(|check| check.needs.over == Over::SecuredTap).copied().collect();
        progress.begin(checks.len());
        Ok(run(&mut wire, asked, &checks, Some(&mut restart), progress)?)
    }

    /// At a broker that wants to hear more often than its clients would say something.
    fn ours_kept_alive(&self, asked: Asked, checks: &[Check], progress: &mut Progress) -> Result<Notes, Failure> {
        let Some(broker) = Mosquitto::with().line("max_keepalive 10").start() else { return Ok(Notes::default()) };
        let asked = Asked { lengthy: true, ..asked };
        let checks: Vec<_> = checks.iter().filter(|check| check.ids().contains(&"MQTT-055")).copied().collect();
        progress.begin(checks.len());
        self.ours_over_mqtt(&broker, asked, &checks, progress)
    }

    /// What packets show, in namespaces where ours has a filter of the kernel. That there are none to be had is noted.
    fn by_packets(&self, filter: &Filter, notes: &mut Notes, progress: &mut Progress) {
        let mut arguments = vec!["--enclosed".to_owned(), "auto".to_owned()];
        for (name, values) in [("--only", &filter.only), ("--section", &filter.sections), ("--id", &filter.ids)] {
            arguments.extend(values.iter().flat_map(|value| [name.to_owned(), value.clone()]));
        }
        let seen =
            enclosed(&arguments).and_then(|output| Notes::from_json(&output.stdout).map_err(std::io::Error::from));
        match seen {
            Ok(seen) => notes.merge_packets(seen),
            Err(error) => {
                progress.say(&format!("No packet was looked at: {error}"));
                for id in packet_checks().iter().flat_map(Check::ids) {
                    notes.lack_if_unseen(id, &format!("It takes packets, and namespaces for them: {error}"));
                }
            }
        }
    }

    /// The same from within.
    pub(super) fn in_enclosure(&self, backend: &str, filter: &Filter) -> Result<Notes, Failure> {
        enter()?;
        let mut field = Field::lay_out()?;
        let mut ours = Ours::on(backend)?;
        let mut wire = Http::new("127.0.0.1", ours.port(), "", Duration::from_secs(self.choice.timeout));
        let mut restart = || ours.stop().and_then(|()| ours.start_again());
        let mut session = Session::new(&mut wire, self.asked(filter, true)?);
        session.field = Some(&mut field);
        session.restart = Some(&mut restart);
        Ok(conduct(session, &packet_checks(), &mut Progress::silent())?)
    }
}

fn packet_checks() -> Vec<Check> {
    check::all().into_iter().filter(|check| check.needs.over == Over::Packets).collect()
}
