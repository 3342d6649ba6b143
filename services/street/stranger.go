package street

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/ui"
)

// stranger asks phones for things without being registered anywhere, so that a
// person can see the phone refuse. Its key is made when it is first asked for
// something and is certified by nobody.
type stranger struct {
	mu    sync.Mutex // guards key and chain
	key   *ecdsa.PrivateKey
	chain []*x509.Certificate
}

// strangerID is what the stranger calls itself; registered with nobody.
const strangerID = "stranger"

// trick is one request that no phone must answer.
type trick struct {
	Code string // the address and the key of its words
	Link string // opens it on the phone in the hand
}

// tricks lists them, when phones run.
func (h *Handler) tricks() []trick {
	phone := h.conf.origin("phone")
	if phone == "" {
		return nil
	}
	var all []trick
	for _, code := range []string{"unregistered", "edited", "late", "elsewhere"} {
		q := url.Values{"request_uri": {h.conf.Origin + "/stranger/" + code}}
		all = append(all, trick{Code: code, Link: phone + "/open?" + q.Encode()})
	}
	return all
}

// strangerRequest answers GET /stranger/{trick} with a signed request that is wrong
// in that one way.
func (h *Handler) strangerRequest(w http.ResponseWriter, r *http.Request) {
	now, origin := h.conf.Clock.Now(), h.conf.Origin
	q := ceremony.Request{
		Issuer: strangerID, Audience: "verifier", ID: ceremony.NewID(), Nonce: ceremony.NewID(),
		IssuedAt: now.Unix(), Expires: now.Add(5 * time.Minute).Unix(), Kind: ceremony.Login, Risk: ceremony.R1, Channel: ceremony.Same,
		Purpose: ceremony.Purpose{Code: "prize", Sentence: ceremony.Text{
			JA: "賞品をお送りするために、お名前を確かめます。", EN: "To send you your prize we need your name."}},
		Claims: []string{ceremony.ClaimName}, ResponseURI: origin + "/stranger/answer",
	}
	change := func(compact string) string { return compact }
	switch r.PathValue("trick") {
	case "unregistered":
	case "edited":
		change = edit
	case "late":
		q.IssuedAt, q.Expires = now.Add(-10*time.Minute).Unix(), now.Add(-5*time.Minute).Unix()
	case "elsewhere":
		// It names the portal, and the street passes on what the verifier says of it.
		q.Issuer = "portal"
	default:
		httpd.WriteProblem(w, r, ui.ErrNoPage)
		return
	}
	compact, err := h.stranger.sign(q, now)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/jwt")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, change(compact))
}

// sign signs what no registered party asked.
func (s *stranger) sign(q ceremony.Request, now time.Time) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == nil {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return "", fmt.Errorf("street: stranger: %w", err)
		}
		self := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: strangerID},
			NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature}
		der, err := x509.CreateCertificate(rand.Reader, self, self, key.Public(), key)
		if err != nil {
			return "", fmt.Errorf("street: stranger: %w", err)
		}
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			return "", fmt.Errorf("street: stranger: %w", err)
		}
		s.key, s.chain = key, []*x509.Certificate{leaf}
	}
	return ceremony.SignRequest(s.key, s.chain, q)
}

// edit changes one character inside the signature's reach.
func edit(compact string) string {
	parts := strings.Split(compact, ".")
	last := len(parts) - 1
	changed := byte('A')
	if parts[last][0] == changed {
		changed = 'B'
	}
	parts[last] = string(changed) + parts[last][1:]
	return strings.Join(parts, ".")
}

// strangerParty answers GET /v1/parties/{id}, where a phone asks about the asker of a
// request from here: nothing about the stranger, and the verifier's own words about
// others, which are true and not of this address.
func (h *Handler) strangerParty(w http.ResponseWriter, r *http.Request) {
	verifier := h.conf.origin("verifier")
	if r.PathValue("id") != "portal" || verifier == "" {
		httpd.WriteProblem(w, r, ui.ErrNoPage)
		return
	}
	body, _, err := httpd.Exchange(r.Context(), h.roles.client, http.MethodGet, verifier+"/v1/parties/portal", nil)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/jwt")
	w.Write(body)
}
