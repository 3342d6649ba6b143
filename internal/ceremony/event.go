package ceremony

import (
	"crypto"
	"crypto/x509"
	"time"

	"tegata/internal/jws"
)

var eventKind = jws.Kind{Typ: "secevent+jwt", Algs: algs(jws.ES256), MaxBytes: 16 << 10} // RFC 8417, section 2.3

// SessionRevoked is the one event type there is: OpenID CAEP 1.0, section 3.1.
const SessionRevoked = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"

// SecurityEvent tells a party that a session it may have kept must end: the
// certificate that opened it is no longer good. It is a Security Event Token (RFC
// 8417), fetched as RFC 8936 says.
type SecurityEvent struct {
	Issuer   string                    `json:"iss"` // the verifier
	Audience string                    `json:"aud"` // the party
	ID       string                    `json:"jti"`
	IssuedAt int64                     `json:"iat"`
	Subject  EventSubject              `json:"sub_id"` // RFC 9493
	Events   map[string]RevokedSession `json:"events"` // by event type; SessionRevoked alone
}

// EventSubject is a complex subject with nothing but a session.
type EventSubject struct {
	Format  string   `json:"format"` // "complex"
	Session OpaqueID `json:"session"`
}

// OpaqueID is an identifier of format opaque (RFC 9493, section 3.2.4).
type OpaqueID struct {
	Format string `json:"format"` // "opaque"
	ID     string `json:"id"`     // Result.Session of the login
}

// RevokedSession is the body of a SessionRevoked event.
type RevokedSession struct {
	At    int64  `json:"event_timestamp"`   // when the verifier learned it, seconds since 1970
	State string `json:"certificate_state"` // "held" or "revoked"; ours, beside what CAEP knows
}

// The states of a certificate that end a session.
const (
	CertificateHeld    = "held"
	CertificateRevoked = "revoked"
)

// NewSecurityEvent is the event that ends one session.
func NewSecurityEvent(verifier, party, session, state string, at time.Time) SecurityEvent {
	return SecurityEvent{Issuer: verifier, Audience: party, ID: NewID(), IssuedAt: at.Unix(),
		Subject: EventSubject{Format: "complex", Session: OpaqueID{Format: "opaque", ID: session}},
		Events:  map[string]RevokedSession{SessionRevoked: {At: at.Unix(), State: state}}}
}

// SignSecurityEvent checks e and signs it with the verifier's key.
func SignSecurityEvent(signer crypto.Signer, chain []*x509.Certificate, e SecurityEvent) (string, error) {
	if err := e.check(); err != nil {
		return "", err
	}
	return jws.Sign(eventKind, signer, chain, e)
}

// ParseSecurityEvent reads an event and checks its form, not its signature.
func ParseSecurityEvent(compact string) (*jws.Message[SecurityEvent], error) {
	m, err := jws.Parse[SecurityEvent](eventKind, compact)
	if err != nil {
		return nil, err
	}
	if err := m.Unverified().check(); err != nil {
		return nil, err
	}
	return m, nil
}

func (e SecurityEvent) check() error {
	if !identifier(e.Issuer) || !identifier(e.Audience) || !ValidID(e.ID) || e.IssuedAt <= 0 {
		return malformed("security event")
	}
	if e.Subject.Format != "complex" || e.Subject.Session.Format != "opaque" || !ValidID(e.Subject.Session.ID) {
		return malformed("sub_id")
	}
	r, ok := e.Events[SessionRevoked]
	if !ok || len(e.Events) != 1 || r.At <= 0 || r.State != CertificateHeld && r.State != CertificateRevoked {
		return malformed("events")
	}
	return nil
}

// EventPoll is the body of POST /v1/events (RFC 8936, section 2.2).
type EventPoll struct {
	MaxEvents         *int                  `json:"maxEvents,omitempty"` // 0 only acknowledges; absent: as many as the verifier likes
	ReturnImmediately bool                  `json:"returnImmediately,omitempty"`
	Ack               []string              `json:"ack,omitempty"`     // jti of events that were taken in: they are not sent again
	SetErrs           map[string]EventError `json:"setErrs,omitempty"` // those that could not be read: they are sent again
}

// EventError says what was wrong with an event (RFC 8936, section 2.6).
type EventError struct {
	Err         string `json:"err"`
	Description string `json:"description,omitempty"`
}

// Events answers EventPoll (RFC 8936, section 2.3).
type Events struct {
	Sets map[string]string `json:"sets"` // jti → compact JWS; empty when nothing happened
	More bool              `json:"moreAvailable,omitempty"`
}
