package pay

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/internal/httpd"
	"tegata/internal/ui"
)

// TillPurpose is the registered purpose of a payment at a till, and TillSentence its words.
const TillPurpose = "pay-at-till"

// TillSentence is what the phone says a request at a till is for.
func TillSentence() ui.Text {
	return ui.Text{JA: "お店での支払いを、ウォレットから行います。", EN: "Pay a shop from your wallet."}
}

// AskerConfig says who asks at the tills: a party of the verifier's, in whose sector a
// person has the sub that they have at the wallet.
type AskerConfig struct {
	Party    string // registered
	Key      *ecdsa.PrivateKey
	Chain    []*x509.Certificate // under the ops authority, leaf first
	Verifier string              // its id
	Origin   string              // where it answers
	HTTP     *http.Client        // httpd.Client
	Now      func() time.Time    // the ceremony's clock
}

// Asker asks a person at a till, by the verifier's ceremony: the request is a JWS under the
// party's registered certificate, and so is the assertion with which each call is made.
type Asker struct{ c AskerConfig }

// NewAsker makes it; nothing is asked yet.
func NewAsker(c AskerConfig) *Asker { return &Asker{c} }

// askLife is the longest that a request at a terminal may live.
const askLife = 120 * time.Second

// id draws 128 bits as the verifier writes them.
func id() string {
	for {
		var b [16]byte
		rand.Read(b[:])
		if s := base64.RawURLEncoding.EncodeToString(b[:]); s[0] != '-' {
			return s
		}
	}
}

func (a *Asker) sign(typ string, claims any) (string, error) {
	var chain []string // RFC 7515, section 4.1.6: base64 of DER
	for _, c := range a.c.Chain {
		chain = append(chain, base64.StdEncoding.EncodeToString(c.Raw))
	}
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("x5c", chain)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: a.c.Key}, options)
	if err != nil {
		return "", fmt.Errorf("pay: %s: %w", typ, err)
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

func (a *Asker) bearer() (httpd.Header, error) {
	at := a.c.Now()
	compact, err := a.sign("tegata-client+jwt", map[string]any{"iss": a.c.Party, "sub": a.c.Party, "aud": a.c.Verifier, "jti": id(), "iat": at.Unix(), "exp": at.Add(45 * time.Second).Unix()})
	return httpd.Bearer(compact), err
}

// Asked is a request that was made.
type Asked struct {
	Address string // handed to a phone
	Result  string // by which the verifier is asked what came of it
	Answer  string // where the answer is posted
}

// Ask asks for the payment of a sale at a shop's till. Errors are package httpd's.
func (a *Asker) Ask(ctx context.Context, shop Shop, s Sale) (Asked, error) {
	type text struct {
		JA string `json:"ja"`
		EN string `json:"en"`
	}
	words := func(t ui.Text) text { return text{t.JA, t.EN} }
	line := func(ja, en, valueJA, valueEN string) map[string]any {
		return map[string]any{"label": text{ja, en}, "value": text{valueJA, valueEN}}
	}
	at, jti := a.c.Now(), id()
	answer := a.c.Origin + "/v1/requests/" + jti + "/answer"
	request, err := a.sign("tegata-request+jwt", map[string]any{
		"iss": a.c.Party, "aud": a.c.Verifier, "jti": jti, "nonce": id(), "iat": at.Unix(), "exp": min(at.Add(askLife).Unix(), s.ExpiresAt.Unix()),
		"purpose": map[string]any{"code": TillPurpose, "sentence": words(TillSentence())}, "kind": "write", "risk": "R2", "channel": "tap",
		"write": []any{line("支払う金額", "Amount", ui.Number(s.Amount)+"円", "¥"+ui.Number(s.Amount)), line("お店", "Shop", shop.Name.JA, shop.Name.EN)},
		"terminal": map[string]any{"id": shop.Till, "place": words(shop.Name), "address": words(shop.Address),
			"x5c": base64.StdEncoding.EncodeToString(shop.Certificate.Raw)},
		"response_uri": answer,
	})
	if err != nil {
		return Asked{}, err
	}
	header, err := a.bearer()
	if err != nil {
		return Asked{}, err
	}
	var out struct {
		RequestURI string `json:"request_uri"`
		ResultID   string `json:"result_id"`
	}
	if err := httpd.PostJSON(ctx, a.c.HTTP, a.c.Origin+"/v1/requests", map[string]string{"request": request}, &out, header); err != nil {
		return Asked{}, fmt.Errorf("pay: ask at a till: %w", err)
	}
	return Asked{out.RequestURI, out.ResultID, answer}, nil
}

// errCarried: what a phone gave at a second tap cannot be posted.
var errCarried = errors.New("pay: what was carried is no answer")

// Relay posts what a phone without a network gave, as that phone would: sealed to the
// verifier, who judges it as any other. What came of it Result says. Errors are package
// httpd's.
func (a *Asker) Relay(ctx context.Context, q Asked, carried []byte) error {
	var c struct {
		Phone  string          `json:"phone"`
		Posted json.RawMessage `json:"posted"`
	}
	if err := json.Unmarshal(carried, &c); err != nil || len(c.Posted) == 0 {
		return errCarried
	}
	var taken json.RawMessage
	if err := httpd.PostJSON(ctx, a.c.HTTP, q.Answer, c.Posted, &taken, httpd.Header{Name: "Tegata-Phone", Value: c.Phone}); err != nil {
		return fmt.Errorf("pay: relay: %w", err)
	}
	return nil
}

// Answer is what came of asking.
type Answer struct {
	Open bool   // nobody answered yet, and there is time
	Sub  string // of whoever agreed; "" for nobody
	Why  string // of nobody: WhyDeclined, WhyNotProven or WhyUnanswered
}

// Result asks what came of a request. Errors are package httpd's.
func (a *Asker) Result(ctx context.Context, result string) (Answer, error) {
	header, err := a.bearer()
	if err != nil {
		return Answer{}, err
	}
	var out struct {
		State   string `json:"state"`
		Verdict string `json:"verdict"`
		Code    string `json:"code"`
		Sub     string `json:"sub"`
		Purpose string `json:"purpose"`
	}
	if err := httpd.GetJSON(ctx, a.c.HTTP, a.c.Origin+"/v1/requests/"+url.PathEscape(result), &out, header); err != nil {
		return Answer{}, fmt.Errorf("pay: result at a till: %w", err)
	}
	switch {
	case out.State == "expired":
		return Answer{Why: WhyUnanswered}, nil
	case out.State != "done":
		return Answer{Open: true}, nil
	case out.Verdict == "passed" && out.Sub != "" && out.Purpose == TillPurpose:
		return Answer{Sub: out.Sub}, nil
	case out.Code == "holder-refused":
		return Answer{Why: WhyDeclined}, nil
	}
	return Answer{Why: WhyNotProven}, nil
}
