package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/verifier/gateway"
)

// Signature transactions of clients that know OpenID Connect alone: the client brings the
// documents with a token of its own, a pushed request with the scope sign has them signed
// in a login, and the token of that login fetches what was signed.

// scopeSign is the scope that opens them. It stands in a client's own token for bringing
// documents, and in an authorization request for the one that is to be signed.
const scopeSign = "sign"

// Lifetimes of a transaction.
const (
	signLife     = 10 * time.Minute // until a request is pushed with it
	signKeptLife = 15 * time.Minute // after it was signed: longer than the result is kept
)

// Limits on the documents that one client brings: each rests here for ten minutes.
const (
	documentsPerSecond = 5
	documentBurst      = 200
)

// signStart is the body of POST /api/sign-transactions with an access token.
type signStart struct {
	Document  []byte             `json:"document"` // base64
	Name      string             `json:"name"`     // of the file
	MediaType string             `json:"media_type"`
	Format    string             `json:"format"`
	Documents []ceremony.Brought `json:"documents,omitempty"` // instead of these four: several
	Purpose   string             `json:"purpose"`             // code of a registered purpose
	Encrypt   json.RawMessage    `json:"encrypt,omitempty"`   // public JWK that the result is sealed to
}

// about is what came, and the bytes of each document. gateway.ErrDocumentCount when it is
// both one document and several.
func (b signStart) about() (about SignAbout, contents [][]byte, err error) {
	about.Purpose = b.Purpose
	switch {
	case b.Documents == nil:
		about.AboutDocument = aboutOf(ceremony.Brought{Document: b.Document, Name: b.Name, MediaType: b.MediaType, Format: b.Format})
		return about, [][]byte{b.Document}, nil
	case len(b.Documents) < 2 || len(b.Document) > 0 || b.Name != "" || b.MediaType != "" || b.Format != "":
		return about, nil, gateway.ErrDocumentCount
	}
	for _, d := range b.Documents {
		about.Documents = append(about.Documents, aboutOf(d))
		contents = append(contents, d.Document)
	}
	return about, contents, nil
}

func aboutOf(d ceremony.Brought) AboutDocument {
	return AboutDocument{Name: d.Name, MediaType: d.MediaType, Format: d.Format, SHA256: sha256URL(d.Document), Size: len(d.Document)}
}

// signStarted answers it.
type signStarted struct {
	ID      string `json:"sign_transaction_id"`
	Expires int64  `json:"expires_at"` // seconds since 1970
}

// Signing serves signature transactions by access token, and leaves all else to next:
// asking parties with a key of their own use the same addresses.
func (p *Provider) Signing(next http.Handler) http.Handler {
	mux := httpd.NewMux()
	byToken := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if !ByToken(r) {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Cache-Control", "no-store")
			h(w, r)
		}
	}
	mux.Handle("POST /api/sign-transactions", httpd.LimitBody(byToken(p.postSignTransaction), ceremony.MaxSignStart))
	mux.HandleFunc("GET /api/sign-transactions/{id}/result", byToken(p.getSignResult))
	mux.Handle("/", next)
	return mux
}

func (p *Provider) postSignTransaction(w http.ResponseWriter, r *http.Request) {
	a, err := p.enter(r)
	var body signStart
	if err == nil {
		err = httpd.ReadJSON(w, r, &body)
	}
	var out signStarted
	if err == nil {
		out, err = p.bring(r.Context(), a, r.Header.Values("Idempotency-Key"), body)
	}
	if err != nil {
		refuseAccess(w, r, err)
		return
	}
	httpd.WriteJSON(w, http.StatusCreated, out)
}

// bring keeps documents that a client wants to have signed.
func (p *Provider) bring(ctx context.Context, a access, keys []string, body signStart) (signStarted, error) {
	c, at := a.client, p.c.Now()
	switch {
	case a.facts != nil || !slices.Contains(a.scopes, scopeSign) || !c.signs():
		return signStarted{}, ErrSignScope
	case !p.documents.Count(c.ID):
		return signStarted{}, ErrSignMany
	}
	t := SignTransaction{ID: newUUID(), Client: c.ID, Until: at.Add(signLife)}
	if _, ok := c.signPurpose(body.Purpose); !ok {
		return signStarted{}, ErrSignPurpose
	}
	about, contents, err := body.about()
	if err != nil {
		return signStarted{}, err
	}
	q := ceremony.Request{ID: ceremony.NewID()}
	p.place(&q, about)
	if err := gateway.CheckDocuments(q.ToSign(), contents); err != nil {
		return signStarted{}, err
	}
	t.About = about
	if t.About.Encrypt, err = c.encryptionKey(body.Encrypt); err != nil {
		return signStarted{}, ErrSignEncrypt.Because(err)
	}
	if t.Key, err = idempotencyKey(keys); err != nil {
		return signStarted{}, err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return signStarted{}, fmt.Errorf("oidc: sign transaction: %w", err)
	}
	t.Body = sha256.Sum256(text)
	kept, err := p.c.Store.PutSignTransaction(ctx, t, slices.Concat(contents...), at)
	switch {
	case errors.Is(err, ErrUsed) && kept.Body != t.Body:
		return signStarted{}, ErrSignKey
	case err != nil && !errors.Is(err, ErrUsed): // the same once more is told the same
		return signStarted{}, fmt.Errorf("oidc: sign transaction: %w", err)
	}
	return signStarted{kept.ID, p.wall(kept.Until).Unix()}, nil
}

// idempotencyKey is the hash of a client's key; zero when it has none.
func idempotencyKey(keys []string) (sum [32]byte, err error) {
	switch {
	case len(keys) == 0:
		return sum, nil
	case len(keys) > 1 || keys[0] == "" || len(keys[0]) > 200:
		return sum, ErrSignKey
	}
	return hash(keys[0]), nil
}

// place puts the documents of a transaction into a request to the phone.
func (p *Provider) place(q *ceremony.Request, a SignAbout) {
	var documents []ceremony.Document
	for _, d := range a.all() {
		documents = append(documents, ceremony.Document{Name: d.Name, Format: d.Format, MediaType: d.MediaType, SHA256: d.SHA256})
	}
	q.PlaceDocuments(p.c.Issuer, documents...)
}

func sha256URL(content []byte) string {
	sum := sha256.Sum256(content)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// newUUID is random (RFC 9562, section 5.4: version 4).
func newUUID() string {
	var u [16]byte
	rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// hold has the transaction of a pushed request wait for as long as the login may take.
// What the phone would refuse for a purpose is refused before anybody is asked.
func (m *manager) hold(ctx context.Context, l Login, c Client, scopes []string, at time.Time) error {
	t, err := m.l.p.c.Store.SignTransaction(ctx, l.Transaction, at)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return found(ctx, err)
	}
	if err != nil || t.Client != l.Client || t.UsedBy != "" {
		return goidc.NewError(goidc.ErrorCodeInvalidRequest, "sign_transaction_id is unknown, over, or signed already")
	}
	purpose, ok := c.signPurpose(t.About.Purpose)
	if !ok {
		return goidc.NewError(goidc.ErrorCodeInvalidRequest, "the purpose of sign_transaction_id is registered no more")
	}
	for _, claim := range claimsOf(scopes) {
		if !slices.Contains(purpose.Claims, claim) {
			return goidc.NewError(goidc.ErrorCodeInvalidScope, "the purpose of sign_transaction_id is not registered for "+claim)
		}
	}
	return found(ctx, m.l.p.c.Store.HoldSignTransaction(ctx, t.ID, l.Until))
}

func (p *Provider) getSignResult(w http.ResponseWriter, r *http.Request) {
	a, err := p.enter(r)
	var out ceremony.SignResult
	var about SignAbout
	if err == nil {
		out, about, err = p.signResult(r.Context(), a, r.PathValue("id"))
	}
	if err == nil && about.Encrypt != "" {
		var sealed string
		if sealed, err = sealResult(about.Encrypt, out); err == nil {
			w.Header().Set("Content-Type", "application/jose") // RFC 7515, section 9.2.1
			w.Write([]byte(sealed))                            // the line may break; it is asked for again
			return
		}
	}
	if err != nil {
		refuseAccess(w, r, err)
		return
	}
	httpd.WriteJSON(w, http.StatusOK, out)
}

// signResult gives what was signed to the token of the very login in which it was.
func (p *Provider) signResult(ctx context.Context, a access, id string) (out ceremony.SignResult, about SignAbout, err error) {
	at := p.c.Now()
	t, err := p.c.Store.SignTransaction(ctx, id, at)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && t.Client != a.client.ID:
		return out, about, ErrSignUnknown // another client does not even learn that it is there
	case err != nil:
		return out, about, fmt.Errorf("oidc: sign result: %w", err)
	case a.facts == nil:
		return out, about, ErrSignLogin
	case a.facts.Transaction != t.ID:
		return out, about, ErrSignOther
	}
	caller, entry := p.caller("", at)
	out, err = p.c.Gateway.SignResult(ctx, caller, entry, a.facts.Result, at)
	return out, t.About, err
}

// refuseAccess answers with a problem, and with the challenge that goes with a token that
// opens nothing (RFC 9449, section 7.1; RFC 6750, section 3.1).
func refuseAccess(w http.ResponseWriter, r *http.Request, err error) {
	word := map[string]string{ErrAccessToken.Code: "invalid_token", ErrProof.Code: "invalid_dpop_proof",
		ErrSignScope.Code: "insufficient_scope", ErrSignLogin.Code: "insufficient_scope"}[problem.From(err).Code]
	if word != "" {
		w.Header().Set("WWW-Authenticate", `DPoP realm="openid", error="`+word+`", algs="ES256 PS256"`)
	}
	httpd.WriteProblem(w, r, err)
}
