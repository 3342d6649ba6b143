package portal

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/trace"
)

// LoginPurpose is the code of the purpose under which the portal is registered
// with the verifier to ask for a login.
const LoginPurpose = "portal-login"

// Config is what the portal is built from. All URLs are origins without a path.
type Config struct {
	Origin     string // the portal's own, as browsers see it
	Party      string // its registered id at the verifier
	Verifier   string // the verifier's machine endpoint
	VerifierID string // its id, the requests' audience
	Issuer     string // the issuer's machine endpoint
	Phone      string // where links to the phone lead
	Helpdesk   string // the helpdesk's machine endpoint, which is told of reports; "" when there is none

	Signer crypto.Signer       // the registered key
	Chain  []*x509.Certificate // its certificate under the ops authority, leaf first

	// Whose word counts on a revocation receipt: the ops authority's roots, under this
	// arc, and where a signer's status is learned.
	Ops    []*x509.Certificate
	Arc    pki.Arc
	Status certpath.StatusSource

	Purpose ceremony.Purpose // the registered sentence of LoginPurpose

	Push *PushConfig // nil: browsers are told of nothing

	// Verified checks that a chain is the verifier's, as of a moment: whose events end
	// sessions.
	Verified func(chain []*x509.Certificate, at time.Time) error

	Now    func() time.Time
	Client *http.Client // nil: httpd.Client of 10 s
	Log    *slog.Logger
	Trace  trace.Sink
}

// Portal is the role. Its methods may be called by many goroutines and by several
// processes over one store.
type Portal struct {
	config   Config
	store    Store
	client   *http.Client
	listener *http.Client // has the patience that waiting for events takes
	log      *slog.Logger
	hearing  hearing
	logos    logos
	push     *pushSender // nil: none
}

// New makes the role. It returns an error when the configuration lacks something.
func New(config Config, store Store) (*Portal, error) {
	for name, value := range map[string]string{"origin": config.Origin, "party": config.Party, "verifier": config.Verifier,
		"verifier id": config.VerifierID, "issuer": config.Issuer, "phone": config.Phone, "purpose": config.Purpose.Code} {
		if value == "" {
			return nil, errors.New("portal: configuration: " + name + " is missing")
		}
	}
	if config.Signer == nil || len(config.Chain) == 0 || config.Now == nil || config.Verified == nil {
		return nil, errors.New("portal: configuration: key, certificate, clock or the check of the verifier's is missing")
	}
	if len(config.Ops) == 0 || config.Status == nil {
		return nil, errors.New("portal: configuration: the ops authority, or where a status is learned, is missing")
	}
	p := &Portal{config: config, store: store, client: config.Client, log: config.Log, listener: httpd.Client(30 * time.Second)}
	if config.Push != nil {
		var err error
		if p.push, err = newPushSender(*config.Push); err != nil {
			return nil, err
		}
	}
	if p.client == nil {
		p.client = httpd.Client(10 * time.Second)
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	return p, nil
}

// at is the moment of one request, in whole milliseconds as the store keeps it.
func (p *Portal) at() time.Time { return p.config.Now().UTC().Truncate(time.Millisecond) }

// who is the actor of a step for a person; the empty person is the portal itself.
func (p *Portal) who(person string) audit.Actor {
	if person == "" {
		return audit.System("portal")
	}
	return audit.Actor{Party: "portal", Kind: "person", ID: person}
}

// PhoneLink is the address by which a phone is asked: a link on the same device,
// a QR code for another one.
func (p *Portal) PhoneLink(requestURI string) string {
	return p.phoneLink("request_uri", requestURI)
}

func (p *Portal) phoneLink(what, address string) string {
	return p.config.Phone + "/open?" + url.Values{what: {address}}.Encode()
}

// bearer is the portal's own assertion for one call.
func (p *Portal) bearer(audience, responseCode string) (httpd.Header, error) {
	assertion := ceremony.NewClientAssertion(p.config.Party, audience, p.config.Now())
	assertion.ResponseCode = responseCode
	compact, err := ceremony.SignClientAssertion(p.config.Signer, p.config.Chain, assertion)
	if err != nil {
		return httpd.Header{}, err
	}
	return httpd.Bearer(compact), nil
}

// hash is how a browser's token rests.
func hash(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// getWithGrant reads what a grant opens.
func (p *Portal) getWithGrant(ctx context.Context, audience, address, grant string, out any) error {
	header, err := p.bearer(audience, "")
	if err != nil {
		return err
	}
	return httpd.GetJSON(ctx, p.client, strings.TrimRight(address, "/"), out, header, httpd.Header{Name: ceremony.GrantHeader, Value: grant})
}
