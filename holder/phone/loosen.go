package phone

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegata/internal/cardword"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/secret"
)

// What can keep a change from being shown.
var (
	ErrLoosenLink = problem.NewYourTurn(400, "loosen-link",
		"準備した変更を読み取れませんでした。", "ポータルの「使い方の制限」で、QRコードかリンクをもう一度開いてください。何も変わっていません。",
		"The prepared change could not be read.", "Open the code or link again in the portal, under \"Limits\". Nothing has changed.")
	ErrLoosenDone = problem.NewRefused(410, "loosen-done",
		"この変更は、もう済んでいます。", "いまの制限は、ポータルの「使い方の制限」で確かめられます。",
		"This change is done already.", "The portal shows what holds now, under \"Limits\".")
)

// ErrPINChosen is a screen lock where the holder wants the PIN.
var ErrPINChosen = problem.NewYourTurn(403, "pin-chosen",
	"この利用には、暗証番号だけを使うと、あなたが決めています。", nothingJA+"画面ロック（指紋・顔など）ではなく、暗証番号を入力してください。",
	"You have chosen the PIN alone for uses of this kind.", nothingEN+"Enter the PIN, not the screen lock (finger, face).")

// Loosening is a change of a holder's rules that the card is to confirm.
type Loosening struct {
	Verifier string // id
	Origin   string
	ID       string // of the proposal; "" ends every rule
	To       ceremony.Rules
	Changes  []ceremony.Difference // what is looser first; empty when every rule ends
	Until    time.Time             // zero when every rule ends
}

// Every tells whether every rule ends.
func (l Loosening) Every() bool { return l.ID == "" }

// loosenPath is below a verifier's origin.
const loosenPath = "/v1/rules/"

// LooseningOf fetches a change that was prepared at a portal. Only the verifiers that
// the phone was set up with are asked. The empty link is the change that ends every
// rule at the first of them.
func (p *Phone) LooseningOf(ctx context.Context, link string) (Loosening, error) {
	p.work.Lock()
	defer p.work.Unlock()
	if _, err := p.connected(ctx); err != nil {
		return Loosening{}, err
	}
	if strings.TrimSpace(link) == "" {
		return p.everyRule(ctx)
	}
	address, err := proposalAddress(link)
	if err != nil {
		return Loosening{}, err
	}
	origin, err := ceremony.Origin(address)
	if err != nil {
		return Loosening{}, ErrLoosenLink
	}
	if ceremony.At(address, p.phones.c.Verifiers...) != nil {
		return Loosening{}, ErrElsewhere.With("origin", origin)
	}
	var got ceremony.RulesProposal
	if err := httpd.GetJSON(ctx, p.phones.c.Client, address, &got); err != nil {
		return Loosening{}, err
	}
	switch {
	case got.To.Check() != nil || got.From.Check() != nil || !ceremony.ValidID(got.ID) || got.Verifier == "":
		return Loosening{}, httpd.BadAnswer
	case got.Done:
		return Loosening{}, ErrLoosenDone
	}
	return Loosening{Verifier: got.Verifier, Origin: origin, ID: got.ID, To: got.To, Changes: got.From.Differences(got.To), Until: time.Unix(got.ExpiresAt, 0).UTC()}, nil
}

// everyRule is for who cannot come to the portal: which rules hold is not asked, since
// this phone may be anybody's.
func (p *Phone) everyRule(ctx context.Context) (Loosening, error) {
	if len(p.phones.c.Verifiers) == 0 {
		return Loosening{}, ErrVerifier
	}
	l := Loosening{Origin: p.phones.c.Verifiers[0]}
	var about struct {
		Verifier string `json:"verifier"`
	}
	if err := httpd.GetJSON(ctx, p.phones.c.Client, l.Origin+"/v1/status", &about); err != nil {
		return Loosening{}, err
	}
	l.Verifier = about.Verifier
	return l, nil
}

// proposalAddress takes the address of a change out of what was scanned, pasted or
// opened: a link to a phone that carries it, or the address itself.
func proposalAddress(link string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil {
		return "", ErrLoosenLink
	}
	if inside := u.Query().Get("rules"); inside != "" {
		if u, err = url.Parse(inside); err != nil {
			return "", ErrLoosenLink
		}
	}
	if !strings.HasPrefix(u.Path, loosenPath) || u.RawQuery != "" {
		return "", ErrLoosenLink
	}
	return u.String(), nil
}

// Loosen has the card that is held to the phone confirm what was shown: its word names
// the hash of these very rules. Any phone will do, and nothing of the card stays here.
func (p *Phone) Loosen(ctx context.Context, pin secret.PIN, l Loosening) error {
	p.work.Lock()
	defer p.work.Unlock()
	if _, err := p.connected(ctx); err != nil {
		return err
	}
	if ceremony.At(l.Origin, p.phones.c.Verifiers...) != nil {
		return ErrElsewhere.With("origin", l.Origin)
	}
	word, err := p.word(ctx, pin, cardword.Word{Purpose: cardword.LowerRules, RulesSHA256: l.To.Hash(), Verifier: l.Verifier})
	if err != nil {
		return err
	}
	if err := httpd.PostJSON(ctx, p.phones.c.Client, l.Origin+loosenPath+"loosenings", ceremony.Loosening{Proposal: l.ID, Word: word}, nil); err != nil {
		return err
	}
	if err := p.forgetDemands(ctx); err != nil {
		return err
	}
	return p.note(ctx, &Use{Kind: UseLoosened, Result: ResultDone})
}

// loosen is both steps for a script, which has read what it confirms.
func loosen(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		Change string     `json:"change"` // link of a prepared change; "" ends every rule
		PIN    secret.PIN `json:"card_auth_pin"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	l, err := p.LooseningOf(ctx, in.Change)
	if err != nil {
		return nil, err
	}
	if err := p.Loosen(ctx, in.PIN, l); err != nil {
		return nil, err
	}
	out := struct {
		Changes []ceremony.Text `json:"changes"`
	}{[]ceremony.Text{}}
	for _, d := range l.Changes {
		out.Changes = append(out.Changes, d.Words())
	}
	return out, nil
}

// A Demand is how a purpose of a party wants to be answered, as the verifier told when
// it refused less: the holder raised it.
type Demand struct {
	Party   string          `json:"party"`
	Purpose string          `json:"purpose"`
	To      ceremony.Demand `json:"to"`
}

// demandOf is what is remembered of a request's purpose.
func (r Record) demandOf(q ceremony.Request) ceremony.Demand {
	for _, d := range r.Demands {
		if d.Party == q.Issuer && d.Purpose == q.Purpose.Code {
			return d.To
		}
	}
	return ""
}

// remember keeps, or forgets for "", what a purpose wants.
func (p *Phone) remember(ctx context.Context, q ceremony.Request, to ceremony.Demand) error {
	r, err := p.store().Phone(ctx, p.id)
	if err != nil {
		return fmt.Errorf("phone: demand: %w", err)
	}
	if r.demandOf(q) == to {
		return nil
	}
	var kept []Demand
	for _, d := range r.Demands {
		if d.Party != q.Issuer || d.Purpose != q.Purpose.Code {
			kept = append(kept, d)
		}
	}
	if to != "" {
		kept = append(kept, Demand{q.Issuer, q.Purpose.Code, to})
	}
	r.Demands = kept[max(0, len(kept)-maxDemands):]
	return p.store().PutPhone(ctx, r)
}

// maxDemands is how many a phone remembers; the oldest go.
const maxDemands = 100

func (p *Phone) forgetDemands(ctx context.Context) error {
	r, err := p.store().Phone(ctx, p.id)
	if err != nil || len(r.Demands) == 0 {
		return err
	}
	r.Demands = nil
	return p.store().PutPhone(ctx, r)
}

// learnDemand takes in what a verifier's refusal says about the next time.
func (p *Phone) learnDemand(ctx context.Context, q ceremony.Request, refused *problem.Problem) error {
	switch refused.Code {
	case "risk-raised":
		needs, _ := refused.Extra["needs"].(string)
		if to := ceremony.Demand(needs); to == ceremony.DemandPIN || to == ceremony.DemandPassword {
			return p.remember(ctx, q, to)
		}
	case "risk-not-met", "certificate-revoked", "certificate-data-changed", "certificate-expired": // the limit may have ended elsewhere, and the other key may do
		return p.remember(ctx, q, "")
	}
	return nil
}
