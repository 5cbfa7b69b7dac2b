//! The protocol by the packets and the client state of rumqttc (the maintained fork).
//!
//! Its event loop is not used. It sends PINGREQ after the whole keep-alive and not after 95 % (MQTT 3.4); it notices a missing
//! PINGRESP only one keep-alive later; it takes the broker's Server Keep Alive over into its next CONNECT, even above 300
//! seconds; after a restart of the process it refuses Session Present = 1, or else to publish; and what it has in its channels
//! is lost or kept by rules of its own. Below the event loop lies a client state without I/O, meant to be driven from outside.

use std::collections::HashSet;

use bytes::BytesMut;
use rumqttc::{
    AckMode, ConnAck, Connect, ConnectAuth, ConnectProperties, ConnectReturnCode, Disconnect, DisconnectReasonCode,
    Event as Happened, MqttState, Packet, PubAck, PubAckReason, PubRec, PubRecReason, PubRel, PubRelReason, Publish,
    PublishProperties, QoS, Request, RetainForwardRule, StateError, SubAck, Subscribe, SubscribeFilter,
    SubscribeReasonCode, Unsubscribe,
};

use super::{Delivery, Event, Greeting, Link, LinkError, Publication, Reach, Refused, Ticket, Welcome};
use crate::options::{Credentials, Qos};
use crate::properties::Properties;

/// The protocol by rumqttc.
pub(crate) struct Rumqtt {
    state: MqttState,
    max_in_flight: u16,
    /// What the broker allows of it.
    window: u16,
    max_incoming: u32,
    max_outgoing: Option<u32>,
    /// What was under way when the last network connection was lost.
    replay: Vec<Request>,
    /// What the broker took at QoS 2 saying that nobody subscribes to its topic, until it is complete.
    unheard: HashSet<u16>,
    /// Whether the broker has answered CONNECT on this network connection.
    is_greeted: bool,
    /// Whether this process has had a session with the broker.
    has_history: bool,
}

impl Rumqtt {
    pub(crate) fn new(max_in_flight: u16) -> Self {
        let max_in_flight = max_in_flight.max(1);
        Self {
            state: fresh(max_in_flight),
            max_in_flight,
            window: max_in_flight,
            max_incoming: u32::MAX,
            max_outgoing: None,
            replay: Vec::new(),
            unheard: HashSet::new(),
            is_greeted: false,
            has_history: false,
        }
    }

    fn welcome(&mut self, connack: ConnAck, output: &mut BytesMut) -> Result<Event, LinkError> {
        let properties = connack.properties.as_ref();
        self.max_outgoing = properties.and_then(|properties| properties.max_packet_size);
        let receive_max = properties.and_then(|properties| properties.receive_max);
        // Of a session that goes on, the state keeps the limit until it hears of another one.
        let limit = if connack.session_present { self.window } else { self.max_in_flight };
        self.window = receive_max.map_or(limit, |receive_max| receive_max.min(self.max_in_flight));
        let mut welcome = Welcome {
            unresumed: Vec::new(),
            is_resumed: connack.session_present,
            keep_alive: properties.and_then(|properties| properties.server_keep_alive),
            max_qos: properties.and_then(|properties| properties.max_qos).unwrap_or(2),
        };
        let replay = std::mem::take(&mut self.replay);
        if !welcome.is_resumed {
            self.unheard.clear();
            self.state = fresh(self.max_in_flight);
        }
        self.state.handle_incoming_packet(Packet::ConnAck(connack)).map_err(broken)?;
        self.state.events.clear();
        if welcome.is_resumed && self.has_history {
            welcome.unresumed = self.resume(replay, output)?;
        } else if welcome.is_resumed {
            self.release_foreign(output)?;
        }
        (self.is_greeted, self.has_history) = (true, true);
        Ok(Event::Welcome(welcome))
    }

    /// Sends again what was not acknowledged (MQTT 5 4.4), and gives the ids of what a broker that allows less than before will not
    /// take under its id. Subscriptions are not in it: whoever made them makes them again.
    fn resume(&mut self, replay: Vec<Request>, output: &mut BytesMut) -> Result<Vec<u16>, LinkError> {
        let mut unresumed = Vec::new();
        for request in replay {
            match &request {
                Request::Publish(Publish { pkid: id, .. }) | Request::PubRel(PubRel { pkid: id, .. }) => {
                    if *id > self.window {
                        unresumed.push(*id);
                    } else {
                        self.request(request, output)?;
                    }
                }
                _ => {}
            }
        }
        Ok(unresumed)
    }

    /// Ends whatever an earlier process under our ClientID left half done at QoS 2: else the broker would take a new message for
    /// the old one that had its id. The broker answers ids it does not know with a reason code, which does no harm.
    fn release_foreign(&mut self, output: &mut BytesMut) -> Result<(), LinkError> {
        for id in 1..=self.max_in_flight {
            self.write(Packet::PubRel(PubRel::new(id, None)), output)?;
        }
        Ok(())
    }

    fn request(&mut self, request: Request, output: &mut BytesMut) -> Result<(), LinkError> {
        let packet = self.state.handle_outgoing_packet(request).map_err(broken)?;
        self.state.events.clear();
        packet.map_or(Ok(()), |packet| self.write(packet, output))
    }

    fn write(&self, packet: Packet, output: &mut BytesMut) -> Result<(), LinkError> {
        packet.write(output, self.max_outgoing).map(|_| ()).map_err(|error| LinkError::Protocol(error.to_string()))
    }

    /// Lets the state see a packet, writes what it answers, and gives the packet back.
    fn process(&mut self, packet: Packet, output: &mut BytesMut) -> Result<Option<Packet>, LinkError> {
        let is_pubrec = matches!(packet, Packet::PubRec(_));
        let answer = match self.state.handle_incoming_packet(packet) {
            // What an earlier process under our ClientID was told; see `release_foreign`.
            Err(StateError::Unsolicited(id)) if is_pubrec => Some(not_found(id)),
            Err(StateError::Unsolicited(_)) => None,
            answer => answer.map_err(broken)?,
        };
        let packet = self.state.events.drain(..).find_map(|event| match event {
            Happened::Incoming(packet) => Some(packet),
            _ => None,
        });
        match answer {
            Some(Packet::Disconnect(disconnect)) => {
                let reason = format!("{:?}", disconnect.reason_code);
                self.write(Packet::Disconnect(disconnect), output)?;
                Err(LinkError::Protocol(reason))
            }
            Some(answer) => self.write(answer, output).map(|()| packet),
            None => Ok(packet),
        }
    }

    fn event(&mut self, packet: Packet, output: &mut BytesMut) -> Result<Event, LinkError> {
        if self.is_greeted == matches!(packet, Packet::ConnAck(_)) && !matches!(packet, Packet::Disconnect(_)) {
            return Err(LinkError::Protocol(format!("{:?} out of turn", packet.packet_type())));
        }
        match packet {
            Packet::ConnAck(connack) if connack.code != ConnectReturnCode::Success => {
                Ok(Event::Refused(refused(&connack)))
            }
            Packet::ConnAck(connack) => self.welcome(connack, output),
            Packet::Auth(_) => Err(LinkError::Protocol("AUTH, though no authentication method was named".to_owned())),
            packet => {
                let packet = self.process(packet, output)?;
                Ok(packet.map_or(Event::Sign, |packet| self.event_of(packet)))
            }
        }
    }

    fn event_of(&mut self, packet: Packet) -> Event {
        match packet {
            Packet::Publish(publish) => Event::Delivery(delivery(publish)),
            Packet::PubAck(puback) => Event::Published(puback.pkid, reach_of_puback(puback.reason)),
            Packet::PubRec(pubrec) => match pubrec.reason {
                PubRecReason::Success => Event::Sign,
                PubRecReason::NoMatchingSubscribers => {
                    self.unheard.insert(pubrec.pkid);
                    Event::Sign
                }
                reason => Event::Published(pubrec.pkid, Err(format!("{reason:?}"))),
            },
            Packet::PubComp(pubcomp) => {
                let reach = if self.unheard.remove(&pubcomp.pkid) { Reach::Nobody } else { Reach::Broker };
                Event::Published(pubcomp.pkid, Ok(reach))
            }
            Packet::SubAck(suback) => Event::Subscribed(granted(&suback)),
            _ => Event::Sign,
        }
    }
}

impl Link for Rumqtt {
    fn connect(&mut self, greeting: &Greeting<'_>, output: &mut BytesMut) -> Result<(), LinkError> {
        self.max_incoming = greeting.max_packet;
        (self.max_outgoing, self.is_greeted) = (None, false);
        let properties = ConnectProperties {
            session_expiry_interval: Some(greeting.session_expiry),
            receive_maximum: Some(greeting.receive_maximum),
            max_packet_size: Some(greeting.max_packet),
            ..ConnectProperties::new()
        };
        let connect = Connect {
            keep_alive: greeting.keep_alive,
            client_id: greeting.client_id.to_owned(),
            clean_start: false,
            properties: Some(properties),
        };
        self.write(Packet::Connect(connect, None, auth(greeting.credentials)), output)
    }

    fn read(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, LinkError> {
        let ticket = ticket_at(input);
        let packet = match Packet::read(input, Some(self.max_incoming)) {
            Ok(packet) => packet,
            Err(rumqttc::Error::InsufficientBytes(_)) => return Ok(None),
            Err(error @ rumqttc::Error::PayloadSizeLimitExceeded { .. }) => {
                self.write(Packet::Disconnect(Disconnect::new(DisconnectReasonCode::PacketTooLarge)), output)?;
                return Err(LinkError::Protocol(error.to_string()));
            }
            Err(error) => match ticket {
                Some(ticket) => {
                    self.write(no_use_for(ticket), output)?;
                    return Ok(Some(Event::Unreadable(error.to_string())));
                }
                None => {
                    self.write(Packet::Disconnect(Disconnect::new(DisconnectReasonCode::MalformedPacket)), output)?;
                    return Err(LinkError::Protocol(error.to_string()));
                }
            },
        };
        self.event(packet, output).map(Some)
    }

    fn has_room(&self) -> bool {
        let n_under_way = usize::from(self.state.inflight())
            + self.state.pending_subscribe_len()
            + self.state.pending_unsubscribe_len();
        n_under_way < usize::from(self.window)
    }

    fn publish(&mut self, publication: &Publication, qos: Qos, output: &mut BytesMut) -> Result<u16, LinkError> {
        let publish = publish_of(publication, qos);
        // The id is not in it yet, and takes two octets.
        let size = publish.size() + 2;
        if let Some(max) = self.max_outgoing
            && u32::try_from(size).map_or(true, |size| size > max)
        {
            return Err(LinkError::TooLarge { size, max });
        }
        let packet = self.state.handle_outgoing_packet(Request::Publish(publish)).map_err(broken)?;
        self.state.events.clear();
        match packet {
            Some(Packet::Publish(publish)) => {
                let id = publish.pkid;
                self.write(Packet::Publish(publish), output)?;
                Ok(id)
            }
            Some(_) | None => Err(LinkError::Protocol("there is no id for one more message".to_owned())),
        }
    }

    fn acknowledge(&mut self, ticket: Ticket, output: &mut BytesMut) -> Result<(), LinkError> {
        let request = if ticket.is_exactly_once {
            Request::PubRec(PubRec::new(ticket.id, None))
        } else {
            Request::PubAck(PubAck::new(ticket.id, None))
        };
        self.request(request, output)
    }

    fn subscribe(&mut self, topics: &[String], output: &mut BytesMut) -> Result<(), LinkError> {
        let filters = topics.iter().map(|topic| SubscribeFilter {
            path: topic.clone(),
            qos: QoS::ExactlyOnce,
            nolocal: true,
            preserve_retain: true,
            retain_forward_rule: RetainForwardRule::OnEverySubscribe,
        });
        self.request(Request::Subscribe(Subscribe::new_many(filters, None)), output)
    }

    fn unsubscribe(&mut self, topic: &str, output: &mut BytesMut) -> Result<(), LinkError> {
        self.request(Request::Unsubscribe(Unsubscribe::new(topic, None)), output)
    }

    fn ping(&mut self, output: &mut BytesMut) -> Result<(), LinkError> {
        self.request(Request::PingReq, output)
    }

    fn disconnect(&mut self, output: &mut BytesMut) -> Result<(), LinkError> {
        self.write(Packet::Disconnect(Disconnect::new(DisconnectReasonCode::NormalDisconnection)), output)
    }

    fn cut(&mut self) {
        // Nobody knows what of it arrived: all of it goes out again as duplicates.
        self.state.mark_outgoing_publishes_flush_attempted();
        self.replay.extend(self.state.clean());
        self.state.events.clear();
    }
}

fn fresh(max_in_flight: u16) -> MqttState {
    MqttState::builder(max_in_flight).ack_mode(AckMode::Manual).build()
}

fn auth(credentials: Option<&Credentials>) -> ConnectAuth {
    match credentials.cloned() {
        None => ConnectAuth::None,
        Some(Credentials { username, password: None }) => ConnectAuth::Username { username },
        Some(Credentials { username, password: Some(password) }) => {
            ConnectAuth::UsernamePassword { username, password: password.into() }
        }
    }
}

fn publish_of(publication: &Publication, qos: Qos) -> Publish {
    let Properties { content_type, format, user } = Properties::of(publication.kind, publication.coding);
    let properties = PublishProperties {
        payload_format_indicator: format,
        message_expiry_interval: publication.expiry,
        user_properties: user,
        content_type,
        ..PublishProperties::default()
    };
    let qos = match qos {
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    };
    Publish::new(&*publication.topic, qos, publication.payload.clone(), Some(properties))
}

fn delivery(publish: Publish) -> Delivery {
    let ticket = match publish.qos {
        QoS::AtMostOnce => None,
        QoS::AtLeastOnce => Some(Ticket::new(publish.pkid, false)),
        QoS::ExactlyOnce => Some(Ticket::new(publish.pkid, true)),
    };
    let properties = publish.properties.unwrap_or_default();
    Delivery {
        topic: String::from_utf8_lossy(&publish.topic).into_owned(),
        payload: publish.payload,
        properties: Properties {
            content_type: properties.content_type,
            format: properties.payload_format_indicator,
            user: properties.user_properties,
        },
        is_retained: publish.retain,
        ticket,
    }
}

fn reach_of_puback(reason: PubAckReason) -> Result<Reach, String> {
    match reason {
        PubAckReason::Success => Ok(Reach::Broker),
        PubAckReason::NoMatchingSubscribers => Ok(Reach::Nobody),
        reason => Err(format!("{reason:?}")),
    }
}

fn granted(suback: &SubAck) -> Vec<Result<u8, String>> {
    let granted = suback.return_codes.iter().map(|code| match code {
        SubscribeReasonCode::Success(qos) => Ok(*qos as u8),
        reason => Err(format!("{reason:?}")),
    });
    granted.collect()
}

fn refused(connack: &ConnAck) -> Refused {
    use ConnectReturnCode::{
        BadAuthenticationMethod, BadClientId, BadUserNamePassword, Banned, ClientIdentifierNotValid, NotAuthorized,
        RefusedProtocolVersion, ServerMoved, UnsupportedProtocolVersion,
    };
    let said = connack.properties.as_ref().and_then(|properties| properties.reason_string.as_deref());
    let reason = match said {
        Some(said) => format!("{:?}: {said:?}", connack.code),
        None => format!("{:?}", connack.code),
    };
    let is_lasting = matches!(
        connack.code,
        BadAuthenticationMethod
            | BadClientId
            | BadUserNamePassword
            | Banned
            | ClientIdentifierNotValid
            | NotAuthorized
            | RefusedProtocolVersion
            | ServerMoved
            | UnsupportedProtocolVersion
    );
    Refused { reason, is_lasting }
}

fn broken(error: StateError) -> LinkError {
    match error {
        StateError::ServerDisconnect { reason_code, reason_string: Some(said) } => {
            LinkError::Closed(format!("{reason_code:?}: {said:?}"))
        }
        StateError::ServerDisconnect { reason_code, reason_string: None } => {
            LinkError::Closed(format!("{reason_code:?}"))
        }
        error => LinkError::Protocol(error.to_string()),
    }
}

fn not_found(id: u16) -> Packet {
    let mut pubrel = PubRel::new(id, None);
    pubrel.reason = PubRelReason::PacketIdentifierNotFound;
    Packet::PubRel(pubrel)
}

/// Acknowledges a message that cannot be read, with a reason, so that the broker does not give it again and again.
fn no_use_for(ticket: Ticket) -> Packet {
    if ticket.is_exactly_once {
        let mut pubrec = PubRec::new(ticket.id, None);
        pubrec.reason = PubRecReason::ImplementationSpecificError;
        Packet::PubRec(pubrec)
    } else {
        let mut puback = PubAck::new(ticket.id, None);
        puback.reason = PubAckReason::ImplementationSpecificError;
        Packet::PubAck(puback)
    }
}

/// What the PUBLISH at the beginning of these bytes is acknowledged with, if they begin with one above QoS 0.
fn ticket_at(input: &[u8]) -> Option<Ticket> {
    let (first, rest) = input.split_first()?;
    let qos = (first >> 1) & 3;
    if first >> 4 != PUBLISH || !(1..=2).contains(&qos) {
        return None;
    }
    let length_octets = rest.iter().take(4).position(|octet| octet & 0x80 == 0)? + 1;
    let topic_at = 1 + length_octets;
    let topic = usize::from(u16::from_be_bytes([*input.get(topic_at)?, *input.get(topic_at + 1)?]));
    let id_at = topic_at + 2 + topic;
    let id = u16::from_be_bytes([*input.get(id_at)?, *input.get(id_at + 1)?]);
    (id != 0).then(|| Ticket::new(id, qos == 2))
}

/// The type of a PUBLISH packet (MQTT 5 2.1.2).
const PUBLISH: u8 = 3;
