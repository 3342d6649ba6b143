package portal

import (
	"context"
	"net/url"
	"time"

	"tegata/internal/ceremony"
)

// Certificate is one certificate of the person as the issuer tells it.
type Certificate struct {
	Kind      string     `json:"kind"` // card-sign, card-auth, phone-sign, phone-auth
	Serial    string     `json:"serial"`
	NotBefore time.Time  `json:"not_before"`
	NotAfter  time.Time  `json:"not_after"`
	State     string     `json:"state"` // good, held, revoked, expired
	Holds     []string   `json:"holds,omitempty"`
	Reason    *int       `json:"reason,omitempty"` // RFC 5280, section 5.3.1
	Since     *time.Time `json:"since,omitempty"`
}

// Phone is the phone that is alive now, and when it was last seen.
type Phone struct {
	Manufacturer string     `json:"manufacturer"`
	Model        string     `json:"model"`
	RegisteredAt time.Time  `json:"registered_at"`
	LastSeen     *time.Time `json:"last_seen,omitempty"`
	LastUnlock   *time.Time `json:"last_unlock,omitempty"` // by PIN, password or screen lock
}

// Query is somebody's question about the person, as the issuer tells it.
type Query struct {
	At       time.Time `json:"at"`
	Verifier string    `json:"verifier"`        // who asked: a verifier, the portal
	What     string    `json:"what"`            // linkage, attributes, certificates; of a helpdesk: support, helper, suspend, staff
	Agent    string    `json:"agent,omitempty"` // of a helpdesk: its name for who looked
	Claims   []string  `json:"claims,omitempty"`
	Refused  string    `json:"refused,omitempty"` // code, when it was
}

// Use is one use or refused attempt, as the verifier tells it.
type Use = ceremony.Use

// takeSnapshot asks issuer and verifier with the grants of this login, each of
// which opens once. What cannot be asked is marked as missing: the person is
// logged in all the same.
func (p *Portal) takeSnapshot(ctx context.Context, r ceremony.Result) {
	s := Snapshot{At: p.at()}
	var holding struct {
		Certificates []Certificate `json:"certificates"`
		Phone        *Phone        `json:"phone"`
		Queries      []Query       `json:"queries"`
	}
	address := p.config.Issuer + "/v1/holders/" + url.PathEscape(r.Holder) + "/certificates"
	if err := p.getWithGrant(ctx, p.config.Issuer, address, r.Grants[ceremony.ScopeCertificates], &holding); err != nil {
		p.log.Warn("the certificates of a holder could not be read", "error", err)
		s.MissingCertificates = true
	}
	s.Certificates, s.Phone, s.Queries = holding.Certificates, holding.Phone, holding.Queries
	var uses ceremony.Uses
	if err := p.getWithGrant(ctx, p.config.VerifierID, p.config.Verifier+"/v1/uses", r.Grants[ceremony.ScopeUses], &uses); err != nil {
		p.log.Warn("the uses of a holder could not be read", "error", err)
		s.MissingUses = true
	}
	s.Uses = uses.Uses
	if err := p.store.PutSnapshot(ctx, p.who(r.Sub), r.Sub, s); err != nil {
		p.log.Error("a snapshot could not be kept", "error", err)
	}
}

// Home is what the home page shows.
type Home struct {
	Account  Account
	Session  Session
	Snapshot Snapshot
}

// HomeOf gathers the home page for a session cookie. ErrNotLoggedIn.
func (p *Portal) HomeOf(ctx context.Context, token string) (Home, error) {
	s, a, err := p.SessionOf(ctx, token)
	if err != nil {
		return Home{}, err
	}
	h := Home{Account: a, Session: s}
	if h.Snapshot, err = p.store.Snapshot(ctx, s.Person); err != nil {
		h.Snapshot = Snapshot{At: s.Begun, MissingCertificates: true, MissingUses: true}
	}
	return h, nil
}
