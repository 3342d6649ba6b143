package bank_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/httpd"
	"tegata/internal/ui"
	"tegata/services/bank"
	"tegata/services/relying"
	"tegata/store"
	bankstore "tegata/store/bank"
	"tegata/store/storetest"
)

// pair is a bank and a creditor of it, which speak by letters over HTTP.
type pair struct {
	*world
	t        *testing.T
	bankKey  *ecdsa.PrivateKey
	payKey   *ecdsa.PrivateKey
	bank     *httptest.Server
	creditor *httptest.Server

	mu   sync.Mutex // guards what follows
	told []string   // letters of what ended
	deaf bool       // the creditor does not answer
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func public(k *ecdsa.PrivateKey) jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: k.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}}
}

func eachPair(t *testing.T, body func(*testing.T, *pair)) {
	storetest.Each(t, bankstore.Schema, func(t *testing.T, db *store.DB) {
		p := &pair{t: t, bankKey: newKey(t), payKey: newKey(t)}
		p.world = &world{store: bankstore.New(db), now: time.Date(2026, 11, 28, 1, 0, 0, 0, time.UTC), says: verdict("passed", hanako.Name, "good")}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /v1/keys", func(w http.ResponseWriter, r *http.Request) { httpd.WriteJSON(w, 200, public(p.payKey)) })
		mux.HandleFunc("POST /v1/mandate-ended", p.hears)
		p.creditor = httptest.NewServer(mux)
		t.Cleanup(p.creditor.Close)
		var err error
		p.Bank, err = bank.New(bank.Config{Store: p.store, Verifier: p.world, VerifierURL: "http://verifier", Origin: "http://bank", ReviewAfter: time.Minute, Now: func() time.Time { return p.now },
			ID: "bank", Key: p.bankKey, KeyID: "k1", HTTP: httpd.Client(5 * time.Second), Creditors: []bank.Creditor{{ID: "pay", Name: ui.Text{JA: "手形ペイ", EN: "Tegata Pay"},
				KeysURL: p.creditor.URL + "/v1/keys", ReturnURL: "http://pay/bank/return", NotifyURL: p.creditor.URL + "/v1/mandate-ended"}}})
		if err != nil {
			t.Fatal(err)
		}
		h, err := bank.NewHandler(bank.Options{Bank: p.Bank, Keys: public(p.bankKey), Origin: "http://bank", Sandbox: true, Now: func() time.Time { return p.now }})
		if err != nil {
			t.Fatal(err)
		}
		p.bank = httptest.NewServer(h.Routes())
		t.Cleanup(p.bank.Close)
		if err := p.signs(t, "a1", "s1"); err != nil {
			t.Fatal(err)
		}
		p.reviewed(t, time.Minute)
		p.reviewed(t, bank.Cooling) // what is peculiar to the first days has tests of its own
		body(t, p)
	})
}

// hears is the creditor's side of what ended at the bank.
func (p *pair) hears(w http.ResponseWriter, r *http.Request) {
	var e struct{ Letter string }
	text, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deaf {
		w.WriteHeader(500)
		return
	}
	var said struct {
		ID string
		At time.Time
	}
	err := json.Unmarshal(text, &e)
	if err == nil {
		err = relying.Letter{Type: "mandate-ended+jwt", From: "bank", To: "pay"}.Open(public(p.bankKey), e.Letter, &said)
	}
	if err != nil || said.At.IsZero() {
		p.t.Errorf("what ended: %s, %v", text, err)
	}
	p.told = append(p.told, said.ID)
	httpd.WriteJSON(w, 200, struct{}{})
}

// call sends a letter by a key and returns the status, the problem's code and the answer.
func (p *pair) call(key *ecdsa.PrivateKey, typ, path string, body any) (int, string, map[string]any) {
	p.t.Helper()
	letter, err := relying.Letter{Type: typ, From: "pay", To: "bank"}.Seal(key, "k1", body)
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{"letter": letter})
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := http.Post(p.bank.URL+path, "application/json", strings.NewReader(string(text)))
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		p.t.Fatal(err)
	}
	code, _ := out["code"].(string)
	return res.StatusCode, code, out
}

const mandateID = "MANDATE-0123456789ABCDEF"

func (p *pair) wish(id string, who bank.Attributes) map[string]any {
	return map[string]any{"id": id, "limit_once": 30_000, "limit_day": 40_000, "valid_to": p.now.AddDate(1, 0, 0), "holder": who, "state": "s"}
}

func (p *pair) asks(id string, who bank.Attributes) {
	p.t.Helper()
	if status, code, out := p.call(p.payKey, "mandate-request+jwt", "/v1/mandates", p.wish(id, who)); status != 201 || out["url"] != "http://bank/mandates/"+id {
		p.t.Fatalf("asked: %d %s %v", status, code, out)
	}
}

// grants has the customer sign, and returns the code that the creditor gets.
func (p *pair) grants(id string) string {
	p.t.Helper()
	x, err := p.Consider(p.t.Context(), id, "s1", hanako)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, says := range []string{"手形ペイ", "30,000円", "40,000円", "10,000円", hanako.Name, x.Account, id} {
		if !strings.Contains(string(x.Document), says) {
			p.t.Errorf("the permission does not say %q", says)
		}
	}
	code, err := p.Grant(p.t.Context(), "s1", x, hanako, relying.Signed{Verdict: "passed", Sub: "s1", Signature: []byte("cms of " + id)})
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

func (p *pair) active(id string) {
	p.t.Helper()
	p.asks(id, hanako)
	if status, code, _ := p.redeems(id, p.grants(id)); status != 200 {
		p.t.Fatalf("redeemed: %d %s", status, code)
	}
}

func (p *pair) redeems(id, code string) (int, string, map[string]any) {
	p.t.Helper()
	return p.call(p.payKey, "mandate-redeem+jwt", "/v1/mandates/"+id+"/redeem", map[string]string{"id": id, "code": code})
}

func (p *pair) charges(id, charge string, amount int64) (int, string) {
	p.t.Helper()
	status, code, out := p.call(p.payKey, "charge+jwt", "/v1/mandates/"+id+"/charges", map[string]any{"id": id, "charge": charge, "amount": amount})
	if status == 200 && (out["charge"] != charge || out["amount"] != float64(amount) || out["at"] == nil) {
		p.t.Errorf("charged: %v", out)
	}
	return status, code
}

func (p *pair) balance() int64 {
	p.t.Helper()
	n, err := p.Balance(p.t.Context(), p.current(p.t, "s1").Number)
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

func TestAMandateIsGrantedRedeemedAndEnded(t *testing.T) {
	eachPair(t, func(t *testing.T, p *pair) {
		p.asks(mandateID, hanako)
		p.asks(mandateID, hanako) // the line may break
		if status, code, _ := p.call(p.payKey, "mandate-request+jwt", "/v1/mandates", p.wish(mandateID, bank.Attributes{Name: "x", Address: "x", Birthdate: "x", Gender: "x"})); status != 422 || code != "bank-mandate" {
			t.Errorf("another wish under the same id: %d %s", status, code)
		}
		if status, code := p.charges(mandateID, "CHARGE-0123456789ABCDEF0", 1); status != 409 || code != "bank-mandate-over" {
			t.Errorf("charged before it was granted: %d %s", status, code)
		}
		code := p.grants(mandateID)
		if status, why := p.charges(mandateID, "CHARGE-0123456789ABCDEF0", 1); status != 409 || why != "bank-mandate-over" {
			t.Errorf("charged before it was redeemed: %d %s", status, why)
		}
		if status, why, _ := p.redeems(mandateID, "another"); status != 403 || why != "bank-mandate-code" {
			t.Errorf("another code: %d %s", status, why)
		}
		for range 2 {
			status, why, out := p.redeems(mandateID, code)
			if status != 200 {
				t.Fatalf("%d %s", status, why)
			}
			var said struct {
				ID         string
				Holder     bank.Attributes
				Account    string
				LimitOnce  int64 `json:"limit_once"`
				FirstLimit int64 `json:"first_limit"`
				Evidence   string
				FirstUntil time.Time `json:"first_until"`
			}
			text, _ := out["letter"].(string)
			if err := (relying.Letter{Type: "mandate+jwt", From: "bank", To: "pay"}).Open(public(p.bankKey), text, &said); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte("cms of " + mandateID))
			if said.Holder != hanako || said.Account != "•••0001" || said.LimitOnce != 30_000 || said.FirstLimit != 10_000 || said.Evidence != hex.EncodeToString(sum[:]) ||
				!said.FirstUntil.Equal(p.now.Add(24*time.Hour)) {
				t.Errorf("%+v", said)
			}
		}
		if err := p.EndMandate(t.Context(), "s2", mandateID); !errors.Is(err, bank.ErrMandateUnknown) {
			t.Errorf("another customer ends it: %v", err)
		}
		// The creditor is told, again until it heard.
		p.deaf = true
		if err := p.EndMandate(t.Context(), "s1", mandateID); err != nil {
			t.Fatal(err)
		}
		if at, ok, err := p.NextDue(t.Context()); err != nil || !ok || !at.Equal(p.now.Add(time.Minute)) {
			t.Errorf("told again at %v %v %v", at, ok, err)
		}
		p.deaf = false
		p.reviewed(t, time.Minute)
		p.reviewed(t, time.Hour)
		if strings.Join(p.told, " ") != mandateID {
			t.Errorf("told: %v", p.told)
		}
		if status, why := p.charges(mandateID, "CHARGE-0123456789ABCDEF0", 1); status != 409 || why != "bank-mandate-over" {
			t.Errorf("charged after it ended: %d %s", status, why)
		}
		all, err := p.Mandates(t.Context(), "s1")
		if err != nil || len(all) != 1 || all[0].State != bank.Ended || all[0].By != bank.ByCustomer {
			t.Errorf("%+v %v", all, err)
		}
	})
}

// AT-B06, the bank's side: money only between accounts of one person.
func TestAnotherPersonsAccountIsNotLinked(t *testing.T) {
	eachPair(t, func(t *testing.T, p *pair) {
		for name, change := range map[string]func(*bank.Attributes){
			"NAME":    func(a *bank.Attributes) { a.Name = "佐藤 花" },
			"ADDRESS": func(a *bank.Attributes) { a.Address += " " },
			"BIRTH":   func(a *bank.Attributes) { a.Birthdate = "1990-02-04" },
			"GENDER":  func(a *bank.Attributes) { a.Gender = "male" },
		} {
			other, id := hanako, "MANDATE-0123456789-"+name
			change(&other)
			p.asks(id, other)
			for range 2 { // looking refuses nothing
				if _, err := p.Consider(t.Context(), id, "s1", hanako); !errors.Is(err, bank.ErrHolder) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if err := p.Decline(t.Context(), id, "s1", hanako); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			// It is refused for good, the holder forgotten, and the browser goes back with the reason.
			if _, err := p.Consider(t.Context(), id, "s1", other); !errors.Is(err, bank.ErrMandateOver) {
				t.Errorf("%s a second time: %v", name, err)
			}
			if m, err := p.store.Mandate(t.Context(), id); err != nil || m.State != bank.Refused || m.Holder != (bank.Attributes{}) || m.Sub != "" {
				t.Errorf("%s: %+v %v", name, m, err)
			}
			back, err := p.Outcome(t.Context(), id)
			if u, bad := url.Parse(back); err != nil || bad != nil || u.Query().Get("error") != "holder_mismatch" || u.Query().Get("state") != "s" || u.Query().Get("mandate") != id || u.Host != "pay" {
				t.Errorf("%s: back to %s, %v", name, back, err)
			}
		}
		p.asks(mandateID, hanako)
		if _, err := p.Consider(t.Context(), mandateID, "s1", bank.Attributes{Name: hanako.Name}); !errors.Is(err, bank.ErrFacts) {
			t.Errorf("without the facts: %v", err)
		}
		if _, err := p.Consider(t.Context(), mandateID, "s2", hanako); !errors.Is(err, bank.ErrNoAccount) {
			t.Errorf("a namesake without an account: %v", err)
		}
		// What was considered by one is not granted by another, nor with another's signature.
		p.asks(mandateID+"2", hanako)
		x, err := p.Consider(t.Context(), mandateID+"2", "s1", hanako)
		if err != nil {
			t.Fatal(err)
		}
		good := relying.Signed{Verdict: "passed", Sub: "s1", Signature: []byte("cms")}
		other := hanako
		other.Address = "大阪府"
		for what, err := range map[string]error{
			"another person": func() error { _, err := p.Grant(t.Context(), "s2", x, hanako, good); return err }(),
			"other facts":    func() error { _, err := p.Grant(t.Context(), "s1", x, other, good); return err }(),
			"not passed": func() error {
				_, err := p.Grant(t.Context(), "s1", x, hanako, relying.Signed{Verdict: "failed", Sub: "s1"})
				return err
			}(),
		} {
			if !errors.Is(err, bank.ErrSignature) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestALetterIsOfTheMandatesOwnCreditor(t *testing.T) {
	eachPair(t, func(t *testing.T, p *pair) {
		p.active(mandateID)
		stranger := newKey(t)
		for path, typ := range map[string]string{"/redeem": "mandate-redeem+jwt", "/charges": "charge+jwt", "/end": "mandate-end+jwt"} {
			body := map[string]any{"id": mandateID, "code": "x", "charge": "CHARGE-0123456789ABCDEF0", "amount": 1}
			if status, code, _ := p.call(stranger, typ, "/v1/mandates/"+mandateID+path, body); status != 401 || code != "bank-letter" {
				t.Errorf("%s by another's key: %d %s", path, status, code)
			}
			if status, code, _ := p.call(p.payKey, "mandate-request+jwt", "/v1/mandates/"+mandateID+path, body); status != 401 || code != "bank-letter" {
				t.Errorf("%s by a letter of another type: %d %s", path, status, code)
			}
			body["id"] = "another"
			if status, code, _ := p.call(p.payKey, typ, "/v1/mandates/"+mandateID+path, body); status != 401 || code != "bank-letter" {
				t.Errorf("%s by a letter about another mandate: %d %s", path, status, code)
			}
			body["id"] = "NOBODYS-0123456789ABCDEF"
			if status, code, _ := p.call(p.payKey, typ, "/v1/mandates/NOBODYS-0123456789ABCDEF"+path, body); status != 404 || code != "bank-mandate-unknown" {
				t.Errorf("%s of no mandate: %d %s", path, status, code)
			}
			if status, code, _ := p.call(stranger, typ, "/v1/mandates/NOBODYS-0123456789ABCDEF"+path, body); status != 401 || code != "bank-letter" {
				t.Errorf("%s: a stranger learns which mandates there are: %d %s", path, status, code)
			}
		}
		if status, code, _ := p.call(stranger, "mandate-request+jwt", "/v1/mandates", p.wish(mandateID+"2", hanako)); status != 401 || code != "bank-letter" {
			t.Errorf("asked by another's key: %d %s", status, code)
		}
		for name, change := range map[string]func(map[string]any){
			"no limit":           func(w map[string]any) { w["limit_once"] = 0 },
			"once above the day": func(w map[string]any) { w["limit_once"] = 50_000 },
			"a fortune":          func(w map[string]any) { w["limit_day"] = 2_000_000 },
			"for ever":           func(w map[string]any) { w["valid_to"] = p.now.AddDate(10, 0, 0) },
			"over already":       func(w map[string]any) { w["valid_to"] = p.now.Add(-time.Hour) },
			"nobody":             func(w map[string]any) { w["holder"] = bank.Attributes{} },
			"a short id":         func(w map[string]any) { w["id"] = "1" },
		} {
			w := p.wish(mandateID+"3", hanako)
			change(w)
			if status, code, _ := p.call(p.payKey, "mandate-request+jwt", "/v1/mandates", w); status != 422 || code != "bank-mandate" {
				t.Errorf("%s: %d %s", name, status, code)
			}
		}
	})
}
