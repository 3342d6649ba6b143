package pay_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/httpd"
	"tegata/services/pay"
	"tegata/services/relying"
)

// bank is a strict bank: it checks each letter, whom it is from and to, that it says what
// its path says and nothing more, and remembers what it took.
type bank struct {
	t          *testing.T
	server     *httptest.Server
	key, payer *ecdsa.PrivateKey

	mu      sync.Mutex
	asked   map[string]asked
	ended   map[string]bool
	charges map[string]int64
	taken   map[string]int
	down    bool             // nothing is answered, and nothing done
	lost    int              // so many answers are lost after it was done
	refuse  string           // code of a refusal of the next call
	account pay.Attributes   // whose account is linked
	forge   func(*pay.Grant) // changes the letter
	forger  *ecdsa.PrivateKey
	now     func() time.Time
}

type asked struct {
	ID        string         `json:"id"`
	LimitOnce int64          `json:"limit_once"`
	LimitDay  int64          `json:"limit_day"`
	ValidTo   time.Time      `json:"valid_to"`
	Holder    pay.Attributes `json:"holder"`
	State     string         `json:"state"`
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newBank(t *testing.T, account pay.Attributes, now func() time.Time) (*bank, *pay.Bank) {
	t.Helper()
	b := &bank{t: t, key: newKey(t), payer: newKey(t), asked: map[string]asked{}, ended: map[string]bool{}, charges: map[string]int64{}, taken: map[string]int{}, account: account, now: now}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/keys", func(w http.ResponseWriter, r *http.Request) {
		httpd.WriteJSON(w, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: b.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /v1/mandates", call(b, "mandate-request+jwt", func(_ string, in asked) (int, any) {
		b.asked[in.ID] = in
		return 201, map[string]string{"url": b.server.URL + "/mandates/" + in.ID}
	}))
	type redeem struct {
		ID   string `json:"id"`
		Code string `json:"code"`
	}
	mux.HandleFunc("POST /v1/mandates/{id}/redeem", call(b, "mandate-redeem+jwt", func(id string, in redeem) (int, any) {
		a, ok := b.asked[id]
		switch {
		case !ok || in.ID != id:
			return 404, "bank-mandate-unknown"
		case in.Code != "code-"+id:
			return 403, "bank-mandate-code"
		case b.ended[id]:
			return 409, "bank-mandate-over"
		}
		g := pay.Grant{ID: id, Holder: b.account, Account: "•••0001", LimitOnce: a.LimitOnce, LimitDay: a.LimitDay, ValidTo: a.ValidTo, FirstLimit: 10_000,
			FirstUntil: b.now().Add(24 * time.Hour), GrantedAt: b.now(), Evidence: strings.Repeat("ab", 32)}
		if b.forge != nil {
			b.forge(&g)
		}
		return 200, map[string]string{"letter": b.letter("mandate+jwt", g)}
	}))
	type charge struct {
		ID     string `json:"id"`
		Charge string `json:"charge"`
		Amount int64  `json:"amount"`
	}
	mux.HandleFunc("POST /v1/mandates/{id}/charges", call(b, "charge+jwt", func(id string, in charge) (int, any) {
		if in.ID != id || in.Charge == "" || in.Amount <= 0 {
			t.Errorf("a charge %+v under %s", in, id)
		}
		was, again := b.charges[in.Charge]
		switch {
		case again && was != in.Amount:
			t.Errorf("charge %s of %d, then of %d", in.Charge, was, in.Amount)
		case !again && b.ended[id]:
			return 409, "bank-mandate-over"
		case !again:
			b.charges[in.Charge] = in.Amount
			b.taken[in.Charge]++
		}
		return 200, map[string]any{"charge": in.Charge, "amount": in.Amount, "at": b.now()}
	}))
	type end struct {
		ID string `json:"id"`
	}
	mux.HandleFunc("POST /v1/mandates/{id}/end", call(b, "mandate-end+jwt", func(id string, in end) (int, any) {
		if _, ok := b.asked[id]; !ok || in.ID != id {
			return 404, "bank-mandate-unknown"
		}
		b.ended[id] = true
		return 200, struct{}{}
	}))
	b.server = httptest.NewServer(mux)
	t.Cleanup(b.server.Close)
	c, err := pay.NewBank(pay.BankConfig{ID: "tegata-bank", Origin: b.server.URL, API: b.server.URL, Self: "tegata-pay",
		Key: b.payer, KeyID: "k1", HTTP: httpd.Client(5 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}

// letter is one of the bank's to the wallet.
func (b *bank) letter(typ string, body any) string {
	key := b.key
	if b.forger != nil {
		key = b.forger
	}
	text, err := relying.Letter{Type: typ, From: "tegata-bank", To: "tegata-pay"}.Seal(key, "k1", body)
	if err != nil {
		b.t.Error(err)
	}
	return text
}

// call reads a letter strictly, and answers.
func call[T any](b *bank, typ string, f func(id string, in T) (int, any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		var envelope struct {
			Letter string `json:"letter"`
		}
		if err := httpd.ReadJSON(w, r, &envelope); err != nil {
			b.t.Errorf("%s: %v", typ, err)
		}
		keys := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: b.payer.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}}
		var raw json.RawMessage
		if err := (relying.Letter{Type: typ, From: "tegata-pay", To: "tegata-bank"}).Open(keys, envelope.Letter, &raw); err != nil {
			b.t.Errorf("%s: %v", typ, err)
			problem(w, 401, "bank-letter")
			return
		}
		var in T
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			b.t.Errorf("%s: %v in %s", typ, err, raw)
		}
		if b.refuse != "" {
			problem(w, 409, b.refuse)
			b.refuse = ""
			return
		}
		status, out := f(r.PathValue("id"), in)
		if code, no := out.(string); no {
			problem(w, status, code)
			return
		}
		if b.lost > 0 {
			b.lost--
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		httpd.WriteJSON(w, status, out)
	}
}

func problem(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"type": "urn:tegata:error:" + code, "code": code, "status": status, "kind": "refused", "title": "いいえ"})
}
