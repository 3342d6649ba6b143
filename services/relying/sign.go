package relying

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"tegata/internal/httpd"
)

// ErrOtherSigner: the result is of another person than the one who logged in, or of
// another document than was brought.
var ErrOtherSigner = errors.New("relying: signed by another person, or another document")

// Document is what a person is to read and sign: at most 1 MB.
type Document struct {
	Content   []byte `json:"document"`
	Name      string `json:"name"` // of the file, without a folder
	MediaType string `json:"media_type"`
	Format    string `json:"format"`  // cades, pades or xades
	Purpose   string `json:"purpose"` // code of a registered sign purpose

	// Facts are scopes of the login in which it is signed, beside sign and the pages' SignFacts.
	Facts []string `json:"-"`
}

// Signed is what came of a transaction. Verdict is passed, failed or indeterminate; all
// but State and Code are empty unless it passed.
type Signed struct {
	State    string `json:"state"`
	Verdict  string `json:"verdict"`
	Code     string `json:"code"`
	Sub      string `json:"sub"`
	Receipt  string `json:"receipt"`
	Document struct {
		Name   string `json:"name"`
		SHA256 string `json:"sha256"`
	} `json:"document"`
	Signature []byte          `json:"signature"`
	Report    json.RawMessage `json:"signed"` // as POST /v1/verify gives it
}

// Bring brings a document and returns its sign_transaction_id. key makes the call safe to
// repeat: the same key and content give the same transaction. *RefusedError or ErrProvider
// for the client's own token; after that a *problem.Problem of the verifier, or of package
// httpd.
func (p *Party) Bring(ctx context.Context, d Document, key string) (string, error) {
	address := p.c.Issuer + "/api/sign-transactions"
	header, err := p.own(ctx, http.MethodPost, address)
	if err != nil {
		return "", err
	}
	var out struct {
		ID string `json:"sign_transaction_id"`
	}
	if err := httpd.PostJSON(ctx, p.c.HTTP, address, d, &out, append(header, httpd.Header{Name: "Idempotency-Key", Value: key})...); err != nil {
		return "", fmt.Errorf("relying: bring the document: %w", err)
	}
	if out.ID == "" {
		return "", fmt.Errorf("relying: no sign_transaction_id: %w", ErrProvider)
	}
	return out.ID, nil
}

// own are the headers of a call by a token of this party's own, which belongs to no login.
// *RefusedError, ErrProvider.
func (p *Party) own(ctx context.Context, method, address string) ([]httpd.Header, error) {
	found, err := p.provider(ctx)
	if err != nil {
		return nil, err
	}
	form, err := p.authenticated(url.Values{})
	if err != nil {
		return nil, fmt.Errorf("relying: %w", err)
	}
	config := clientcredentials.Config{ClientID: p.c.ClientID, TokenURL: found.Endpoint().TokenURL, Scopes: []string{"sign"},
		AuthStyle: oauth2.AuthStyleInParams, EndpointParams: url.Values{"client_assertion_type": form["client_assertion_type"], "client_assertion": form["client_assertion"]}}
	token, err := config.Token(oidc.ClientContext(ctx, p.provingClient()))
	if err != nil {
		return nil, refused("token", err)
	}
	return p.shown(method, address, token.AccessToken)
}

// Fetch fetches what a person signed in the login that named the transaction; sha256 is
// of the document that was brought, base64url. The verifier erases it five minutes after
// the answer: keep it before acting on it. ErrOtherSigner; a *problem.Problem of the
// verifier or of package httpd.
func (p *Party) Fetch(ctx context.Context, who *Person, transaction, sha256 string) (Signed, error) {
	address := p.c.Issuer + "/api/sign-transactions/" + url.PathEscape(transaction) + "/result"
	header, err := p.shown(http.MethodGet, address, who.token)
	if err != nil {
		return Signed{}, err
	}
	var s Signed
	if err := httpd.GetJSON(ctx, p.c.HTTP, address, &s, header...); err != nil {
		return Signed{}, fmt.Errorf("relying: fetch what was signed: %w", err)
	}
	if s.Verdict == "passed" && (s.Sub != who.Sub || s.Document.SHA256 != sha256) {
		return Signed{}, ErrOtherSigner
	}
	return s, nil
}

// shown is a token with its proof (RFC 9449, section 7.1).
func (p *Party) shown(method, address, token string) ([]httpd.Header, error) {
	proof, err := p.proof(method, address, token)
	if err != nil {
		return nil, fmt.Errorf("relying: proof: %w", err)
	}
	return []httpd.Header{{Name: "Authorization", Value: "DPoP " + token}, {Name: "DPoP", Value: proof}}, nil
}
