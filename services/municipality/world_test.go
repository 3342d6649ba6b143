package municipality_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/clock"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/services/municipality"
	"tegata/store"
	town "tegata/store/municipality"
)

// operator is who may use the sandbox's doors in these tests, and token what they
// send.
var (
	operator = httpd.NewOperatorToken()
	token    = revealed(operator)
)

func revealed(t httpd.OperatorToken) (text string) {
	t.Reveal(func(b []byte) { text = string(b) })
	return text
}

var (
	start   = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	officer = audit.Actor{Party: "municipality", Kind: "person", ID: "sandbox-operator"}
)

// world is the parties around a register: an issuer that certifies and remembers
// the last word on each person, and a rack of cards. Both are what outlives a
// register that is killed.
type world struct {
	t      *testing.T
	clock  *clock.Clock
	issuer *issuer
	cards  *rack
	conf   municipality.Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.Fixed(start)}
	ops, opsKey := authority(t, "ops")
	ourKey := pkitest.ECKey(t)
	chain := []*x509.Certificate{party(t, ops, opsKey, ourKey, pki.RoleMunicipality, "municipality"), ops}
	w.issuer = newIssuer(t, w.clock, ops)
	w.cards = newRack(t)
	w.conf = municipality.Config{
		Municipalities: []municipality.Municipality{
			{Code: "99001", Prefecture: "見本県", City: "手形市", PrefectureLatin: "Mihon-ken", CityLatin: "Tegata-shi"},
			{Code: "99002", Prefecture: "見本県", City: "関所町", PrefectureLatin: "Mihon-ken", CityLatin: "Sekisho-cho"},
		},
		Party: "municipality", Signer: ourKey, Chain: chain,
		Issuer: w.issuer.url, Cards: w.cards.url, CardsToken: operator,
		Now: w.clock.Now, Client: httpd.Client(5 * time.Second),
	}
	t.Cleanup(w.conf.Client.CloseIdleConnections)
	return w
}

// open makes a register over a new database.
func (w *world) open(db *store.DB) *municipality.Register {
	w.t.Helper()
	if err := db.Migrate(w.t.Context(), town.Schema); err != nil {
		w.t.Fatal(err)
	}
	return municipality.New(town.New(db), w.conf)
}

func authority(t *testing.T, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key := pkitest.ECKey(t)
	c := &x509.Certificate{
		SerialNumber: pki.RandomSerial().Big(), Subject: pkix.Name{CommonName: name},
		NotBefore: start.AddDate(-1, 0, 0), NotAfter: start.AddDate(9, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return sign(t, c, c, key.Public(), key), key
}

func party(t *testing.T, ca *x509.Certificate, caKey *ecdsa.PrivateKey, key *ecdsa.PrivateKey, role pki.Role, id string) *x509.Certificate {
	t.Helper()
	arc := pki.SandboxArc()
	policy, err := x509.OIDFromASN1OID(arc.Policy(pki.Ops))
	if err != nil {
		t.Fatal(err)
	}
	name, err := url.Parse("urn:tegata:party:" + id)
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, &x509.Certificate{
		SerialNumber: pki.RandomSerial().Big(), Subject: pkix.Name{CommonName: id},
		NotBefore: start.AddDate(-1, 0, 0), NotAfter: start.AddDate(1, 0, 0), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, UnknownExtKeyUsage: []asn1.ObjectIdentifier{arc.Role(role)},
		Policies: []x509.OID{policy}, URIs: []*url.URL{name},
	}, ca, key.Public(), caKey)
}

func sign(t *testing.T, c, issuer *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// issuer certifies cards and follows the register, as the contract of the real
// one: idempotent by id, attributes change by events only.
type issuer struct {
	url  string
	root *x509.Certificate
	key  *ecdsa.PrivateKey

	mu        sync.Mutex // guards all below
	down      bool
	cut       func(what string) bool // true: carry it out and break the line before the answer
	issuances map[string]*issuance
	events    map[string][]byte
	people    map[string]personAt
	told      []string // what was carried out, in order
	calls     int
}

type issuance struct {
	body   []byte
	answer map[string]any
	auth   []byte
	signed bool
}

type personAt struct {
	Attributes   pki.Attributes
	Municipality json.RawMessage
	died         bool
}

var (
	errConflict = problem.New(problem.Refused, 409, "issuance-conflict", problem.Text{Title: "違う内容です。"}, problem.Text{Title: "Other content."})
	errNotFit   = problem.New(problem.Refused, 409, "event-not-applicable", problem.Text{Title: "あてはまりません。"}, problem.Text{Title: "Does not fit."})
	errUnknown  = problem.New(problem.Refused, 404, "unknown-person", problem.Text{Title: "知らない人です。"}, problem.Text{Title: "Unknown."})
	errDied     = problem.New(problem.Refused, 403, "person-not-registered", problem.Text{Title: "登録がありません。"}, problem.Text{Title: "Not registered."})
	errCaller   = problem.New(problem.Refused, 401, "caller-unknown", problem.Text{Title: "だれですか。"}, problem.Text{Title: "Who?"})
)

func newIssuer(t *testing.T, c *clock.Clock, ops *x509.Certificate) *issuer {
	t.Helper()
	x := &issuer{issuances: map[string]*issuance{}, events: map[string][]byte{}, people: map[string]personAt{}}
	x.root, x.key = authority(t, "cards")
	used := map[string]bool{}
	door := ceremony.Door{
		Path: func(_ context.Context, chain []*x509.Certificate, at time.Time) error {
			_, err := certpath.Validate(chain[0], chain[1:], []*x509.Certificate{ops}, certpath.ForRole(pki.SandboxArc(), pki.RoleMunicipality), at)
			return err
		},
		Once: func(_ context.Context, _, jti string, _ time.Time) error {
			if used[jti] {
				return ceremony.ErrReplayed
			}
			used[jti] = true
			return nil
		},
	}
	handle := func(name string, f func(body []byte) (any, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.calls++
			if x.down {
				panic(http.ErrAbortHandler)
			}
			door.Audience = x.url
			if _, err := door.Enter(r.Context(), r.Header.Get("Authorization"), c.Now()); err != nil {
				httpd.WriteProblem(w, r, errCaller.Because(err))
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			out, err := f(body)
			if x.cut != nil && x.cut(name) {
				panic(http.ErrAbortHandler)
			}
			if err != nil {
				httpd.WriteProblem(w, r, err)
				return
			}
			httpd.WriteJSON(w, 200, out)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/card-issuances", handle("issuance", func(b []byte) (any, error) { return x.certify(t, c.Now(), b) }))
	mux.HandleFunc("POST /v1/card-reissues", handle("reissue", func(b []byte) (any, error) { return x.certifyAgain(c.Now(), b) }))
	mux.HandleFunc("POST /v1/register-events", handle("event", x.follow))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	x.url = s.URL
	return x
}

func (x *issuer) certify(t *testing.T, at time.Time, body []byte) (any, error) {
	var in struct {
		ID     string
		Person struct {
			ID           string
			Attributes   pki.Attributes
			Municipality json.RawMessage
			Contact      municipality.Contact
		}
		AuthCSR []byte `json:"auth_csr"`
		SignCSR []byte `json:"sign_csr"`
	}
	if err := httpd.DecodeJSON(body, &in); err != nil {
		return nil, err
	}
	if was := x.issuances[in.ID]; was != nil {
		if !bytes.Equal(was.body, body) {
			return nil, errConflict
		}
		return was.answer, nil
	}
	if p, ok := x.people[in.Person.ID]; ok && p.died {
		return nil, errDied
	} else if ok && (p.Attributes != in.Person.Attributes || !bytes.Equal(p.Municipality, in.Person.Municipality)) {
		return nil, errNotFit
	}
	x.people[in.Person.ID] = personAt{Attributes: in.Person.Attributes, Municipality: in.Person.Municipality}
	certify := func(csr []byte) ([]byte, error) { return x.leaf(csr, at) }
	certs, authorities := map[string][]byte{}, map[string][]byte{"auth": x.root.Raw}
	var err error
	if certs["auth"], err = certify(in.AuthCSR); err != nil {
		return nil, err
	}
	if in.SignCSR != nil {
		authorities["sign"] = x.root.Raw
		if certs["sign"], err = certify(in.SignCSR); err != nil {
			return nil, err
		}
	}
	answer := map[string]any{"id": in.ID, "certificates": certs, "authorities": authorities, "not_after": at.AddDate(5, 0, 0)}
	x.issuances[in.ID] = &issuance{body: body, answer: answer, auth: certs["auth"], signed: in.SignCSR != nil}
	x.told = append(x.told, "issued "+in.ID)
	return answer, nil
}

func (x *issuer) leaf(csr []byte, at time.Time) ([]byte, error) {
	r, err := x509.ParseCertificateRequest(csr)
	if err != nil || r.CheckSignature() != nil {
		return nil, errConflict
	}
	return x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: pki.RandomSerial().Big(), NotBefore: at, NotAfter: at.AddDate(5, 0, 0)}, x.root, r.PublicKey, x.key)
}

// certifyAgain is a signature certificate onto a card that was issued.
func (x *issuer) certifyAgain(at time.Time, body []byte) (any, error) {
	var in struct {
		ID, Card string
		Person   struct {
			ID           string
			Attributes   pki.Attributes
			Municipality json.RawMessage
			Contact      municipality.Contact
		}
		SignCSR []byte `json:"sign_csr"`
	}
	if err := httpd.DecodeJSON(body, &in); err != nil {
		return nil, err
	}
	if was := x.issuances[in.ID]; was != nil {
		if !bytes.Equal(was.body, body) {
			return nil, errConflict
		}
		return was.answer, nil
	}
	p, ok := x.people[in.Person.ID]
	switch {
	case !ok || x.issuances[in.Card] == nil:
		return nil, errUnknown
	case p.died:
		return nil, errDied
	case p.Attributes != in.Person.Attributes || !bytes.Equal(p.Municipality, in.Person.Municipality):
		return nil, errNotFit
	}
	der, err := x.leaf(in.SignCSR, at)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"id": in.ID, "certificates": map[string][]byte{"sign": der}, "authorities": map[string][]byte{"sign": x.root.Raw}, "not_after": at.AddDate(5, 0, 0)}
	x.issuances[in.ID] = &issuance{body: body, answer: answer, signed: true}
	x.told = append(x.told, "signature "+in.ID+" onto "+in.Card)
	return answer, nil
}

func (x *issuer) follow(body []byte) (any, error) {
	var in struct {
		ID, Person, Kind, Card string
		Certificate, Of, On    string
		Cancelled              bool
		Attributes             *pki.Attributes
		Municipality           json.RawMessage
	}
	if err := httpd.DecodeJSON(body, &in); err != nil {
		return nil, err
	}
	if was, ok := x.events[in.ID]; ok {
		if !bytes.Equal(was, body) {
			return nil, errConflict
		}
		return map[string]any{"id": in.ID, "changed": 0}, nil
	}
	p, ok := x.people[in.Person]
	if !ok {
		return nil, errUnknown
	}
	if p.died {
		return nil, errNotFit
	}
	if in.Attributes != nil {
		p.Attributes = *in.Attributes
	}
	if in.Municipality != nil {
		p.Municipality = in.Municipality
	}
	p.died = in.Kind == "died" || in.Kind == "emigrated"
	x.people[in.Person], x.events[in.ID] = p, body
	what := in.Kind
	for _, more := range []string{in.Card, in.Certificate, in.Of, in.On} {
		if more != "" {
			what += " " + more
		}
	}
	if in.Cancelled {
		what += " cancelled"
	}
	x.told = append(x.told, what)
	return map[string]any{"id": in.ID, "changed": 1}, nil
}

// rack makes cards with keys of the pool and takes certificates for them.
type rack struct {
	url string

	mu      sync.Mutex // guards all below
	down    bool
	cut     func(what string) bool
	blanks  map[string]map[string][]byte
	written map[string]map[string][]byte
}

var errWritten = problem.New(problem.Refused, 409, "card-personalised", problem.Text{Title: "書き込み済みです。"}, problem.Text{Title: "Written already."})

func newRack(t *testing.T) *rack {
	t.Helper()
	k := &rack{blanks: map[string]map[string][]byte{}, written: map[string]map[string][]byte{}}
	var csrs [][]byte
	for i := range 8 {
		csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, pkitest.Key(t, i))
		if err != nil {
			t.Fatal(err)
		}
		csrs = append(csrs, csr)
	}
	handle := func(name string, f func(w http.ResponseWriter, r *http.Request) (any, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.down {
				panic(http.ErrAbortHandler)
			}
			if r.Header.Get("Authorization") != "Bearer "+token {
				httpd.WriteProblem(w, r, httpd.ErrOperator)
				return
			}
			out, err := f(w, r)
			if k.cut != nil && k.cut(name) {
				panic(http.ErrAbortHandler)
			}
			if err != nil {
				httpd.WriteProblem(w, r, err)
				return
			}
			httpd.WriteJSON(w, 200, out)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/cards", handle("make", func(w http.ResponseWriter, r *http.Request) (any, error) {
		var in struct{ ID, Municipality string }
		if err := httpd.ReadJSON(w, r, &in); err != nil {
			return nil, err
		}
		if k.written[in.ID] != nil {
			return nil, errWritten
		}
		if k.blanks[in.ID] == nil {
			i := 2 * len(k.blanks) % len(csrs)
			k.blanks[in.ID] = map[string][]byte{"auth_csr": csrs[i], "sign_csr": csrs[i+1]}
		}
		return k.blanks[in.ID], nil
	}))
	mux.HandleFunc("POST /v1/cards/{id}/certificates", handle("write", func(w http.ResponseWriter, r *http.Request) (any, error) {
		var in map[string][]byte
		if err := httpd.ReadJSON(w, r, &in); err != nil {
			return nil, err
		}
		if was := k.written[r.PathValue("id")]; was != nil && !bytes.Equal(was["auth"], in["auth"]) {
			return nil, errWritten
		}
		k.written[r.PathValue("id")] = in
		return struct{}{}, nil
	}))
	mux.HandleFunc("POST /v1/cards/{id}/signature-key", handle("sign-key", func(w http.ResponseWriter, r *http.Request) (any, error) {
		var in struct{ Order string }
		if err := httpd.ReadJSON(w, r, &in); err != nil {
			return nil, err
		}
		if k.written[r.PathValue("id")] == nil {
			return nil, errWritten
		}
		if k.blanks[in.Order] == nil {
			k.blanks[in.Order] = map[string][]byte{"sign_csr": csrs[(2*len(k.blanks)+1)%len(csrs)]}
		}
		return k.blanks[in.Order], nil
	}))
	mux.HandleFunc("POST /v1/cards/{id}/signature", handle("sign", func(w http.ResponseWriter, r *http.Request) (any, error) {
		var in map[string][]byte
		if err := httpd.ReadJSON(w, r, &in); err != nil {
			return nil, err
		}
		was := k.written[r.PathValue("id")]
		if was == nil || len(in["auth"]) > 0 {
			return nil, errWritten
		}
		was["sign"] = in["sign"]
		return struct{}{}, nil
	}))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	k.url = s.URL
	return k
}

func hanako() municipality.Resident {
	return municipality.Resident{
		ID: "hanako", Municipality: "99001", Household: "tegata", Name: "手形　花子", Kana: "テガタ　ハナコ",
		Birth: "1980-02-17", Sex: "2", Address: "見本県手形市一丁目2番3号",
	}
}
