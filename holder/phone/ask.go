package phone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegata/holder/element"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
)

const nothingJA, nothingEN = "証明書は使われていません。", "Your certificate was not used. "

// What a request can be refused for before it is shown.
var (
	ErrLink = problem.NewYourTurn(400, "request-link",
		"リンクを読み取れませんでした。", "相手の画面のQRコードかリンクを、もう一度開いてください。",
		"This link could not be read.", "Open the code or link of the asking screen again.")
	ErrElsewhere = problem.NewYourTurn(403, "request-elsewhere",
		"いつもの検証者とは違う場所へのリンクです。", "まだ何も送っていません。身に覚えがなければ、開かずに閉じてください。",
		"This link leads to somebody other than your verifier.", "Nothing was sent yet. Unless you expect it, do not open it.")
	ErrUnreadable = problem.NewRefused(422, "request-unreadable",
		"依頼を読み取れませんでした。", nothingJA+"応じずに、もとの画面からやり直してください。",
		"The request could not be read.", nothingEN+"Do not answer; begin again on the screen that asked.")
	ErrForged = problem.NewRefused(403, "request-signature",
		"依頼が途中で書き換えられています。", nothingJA+"応じずに、もとの画面からやり直してください。",
		"The request was changed on its way.", nothingEN+"Do not answer; begin again on the screen that asked.")
	ErrExpired = problem.NewRefused(410, "request-expired",
		"依頼の有効時間が過ぎました。", nothingJA+"もとの画面からもう一度やり直してください。",
		"The request's time is over.", nothingEN+"Begin again on the screen that asked.")
	ErrUnregistered = problem.NewRefused(403, "party-not-registered",
		"登録されていない相手からの依頼です。", nothingJA+"応じないでください。",
		"Whoever asks is not registered.", nothingEN+"Do not answer.")
	ErrNotAsRegistered = problem.NewRefused(403, "not-as-registered",
		"登録された目的や項目と違う依頼です。", nothingJA+"応じないでください。",
		"The request differs from what the party registered.", nothingEN+"Do not answer.")
	ErrTerminal = problem.NewRefused(403, "terminal-not-registered",
		"この端末は、依頼した相手の端末だと確認できません。", nothingJA+"応じないで、係の人に伝えてください。",
		"This terminal could not be shown to be the asking party's.", nothingEN+"Do not answer; tell the staff.")
	ErrNotTapped = problem.NewRefused(403, "request-not-tapped",
		"端末にかざして受け取る依頼です。", nothingJA+"リンクやQRコードで届いたときは応じられません。目の前の端末からの依頼なら、このスマホをその端末にかざしてください。",
		"This request is taken by holding the phone to its terminal.", nothingEN+"It is not answered when a link or a QR code brings it. If the terminal before you asks, hold this phone to it.")
	ErrPartyRevoked = problem.NewRefused(403, "party-revoked",
		"依頼した相手の証明書が失効しています。", nothingJA+"応じないでください。",
		"The asking party's certificate has been revoked.", nothingEN+"Do not answer.")
	ErrAddress = problem.NewRefused(403, "answer-address",
		"回答の送り先が、検証者のものではありません。", nothingJA+"応じないでください。",
		"The answer would go to somebody other than the verifier.", nothingEN+"Do not answer.")
	ErrVerifier = problem.NewRefused(403, "verifier-unknown",
		"信頼できる検証者ではありません。", nothingJA+"応じないでください。",
		"This verifier is not a trusted one.", nothingEN+"Do not answer.")
	ErrPartyStatus = problem.NewCouldNotCheck("party-status-unknown",
		"依頼した相手が有効かどうか確認できませんでした。", nothingJA+"少し待って、もう一度お試しください。",
		"Could not find out whether the asking party is still good.", nothingEN+"Wait a moment and try again.")
	ErrNoRequest = problem.NewRefused(404, "no-such-request",
		"この依頼はもうありません。", nothingJA+"もとの画面からもう一度やり直してください。",
		"There is no such request any more.", nothingEN+"Begin again on the screen that asked.")
	ErrTaken = problem.NewRefused(409, "request-taken",
		"ほかのスマートフォンがこの依頼を開いています。", "身に覚えがないときは、もとの画面でやり直してください。",
		"Another phone has opened this request.", "If that was not you, begin again on the screen that asked.")
	ErrUsed = problem.NewRefused(409, "request-used",
		"この依頼にはもう回答がありました。", "身に覚えがないときは、利用履歴を確かめてください。",
		"This request was answered before.", "If that was not you, look at your history.")
	ErrQRExpired = problem.NewRefused(410, "qr-expired",
		"QRコードの有効時間（60秒）が過ぎました。", nothingJA+"もとの画面で新しいQRコードを表示してください。",
		"The QR code's 60 seconds are over.", nothingEN+"Show a new one on the screen that asked.")
)

// refusedUnread says in the phone's own sentences why a request or registration
// could not be fetched. Whoever wrote the link chose the address, and nothing
// proves yet that a verifier is behind it: of what was answered no word, number
// or kind is shown or kept, only which of our sentences it means.
func refusedUnread(err error) error {
	said, ok := errors.AsType[*problem.Problem](err)
	if !ok {
		return err
	}
	for _, own := range []*problem.Problem{httpd.Unreachable, httpd.BadAnswer, ErrExpired, ErrQRExpired, ErrTaken, ErrUsed} {
		if said.Code == own.Code {
			return own.Because(err)
		}
	}
	switch {
	case said.Status == http.StatusNotFound:
		return ErrNoRequest.Because(err)
	case said.Status == http.StatusTooManyRequests, said.Status >= 500:
		return httpd.BadAnswer.Because(err)
	}
	return ErrUnreadable.Because(err)
}

// Ask is a request, checked, in the words of the registration of who asks.
type Ask struct {
	ID      string
	Shown   string           // names all of it: an answer is to this and to nothing else
	Party   Party            // who asks, or on whose behalf
	Through *Party           // the provider that asks on behalf of Party
	Channel ceremony.Channel // same, cross, tap
	Place   ceremony.Text    // of the terminal; zero: this phone or an unknown screen
	Address ceremony.Text
	What    ceremony.Text // the registered sentence
	Kind    ceremony.Want
	Risk    ceremony.Risk
	Data    []Datum
	Write   []ceremony.Line
	Sign    []*Document   // what is to be signed, of kind sign, in order
	NoRoom  bool          // no copies of these can be kept: see Room
	Match   []string      // three numbers, when the request crosses devices
	Secret  element.Which // the one secret that answers it
	NoLock  bool          // never biometrics: its holder wants it so
	Tries   int           // left of it
	Until   time.Time
}

// Party is who asks, as registered.
type Party struct {
	ID    string
	Name  ceremony.Text
	Mark  string
	Logo  []byte // PNG, in place of the mark; empty for none
	Since string // verified since, YYYY-MM-DD
}

// Datum is one piece of data that is asked for.
type Datum struct {
	Code     string
	Optional bool // may be refused alone
}

// requestURI takes the address of the request out of what was scanned, pasted or
// opened: a link to a phone that carries it, or the address itself.
func requestURI(link string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil {
		return "", ErrLink
	}
	if inside := u.Query().Get("request_uri"); inside != "" {
		link = inside
	}
	link = strings.TrimSpace(link)
	if _, err := ceremony.Origin(link); err != nil {
		return "", ErrLink
	}
	return link, nil
}

// Fetch gets the request behind a link and checks it and whoever asks. Fetched
// again, the same link gives the same request until it is answered. A terminal's
// request is ErrNotTapped unless that terminal handed it to this phone. A link to
// somebody other than the verifiers that the phone was set up with is
// ErrElsewhere, with their "origin", and nobody is asked anything: a page that
// only leads here must not make the phone speak to whom it likes.
func (p *Phone) Fetch(ctx context.Context, link string) (Ask, error) {
	uri, err := requestURI(link)
	if err != nil {
		return Ask{}, err
	}
	if ceremony.At(uri, p.phones.c.Verifiers...) != nil {
		origin, _ := ceremony.Origin(uri) // was checked by requestURI
		return Ask{}, ErrElsewhere.With("origin", origin)
	}
	return p.open(ctx, uri)
}

// FetchElsewhere is Fetch for a person who was shown where the link leads and
// says that it is expected. Everything else is checked as always: only a verifier
// under the operations authority is believed.
func (p *Phone) FetchElsewhere(ctx context.Context, link string) (Ask, error) {
	uri, err := requestURI(link)
	if err != nil {
		return Ask{}, err
	}
	return p.open(ctx, uri)
}

func (p *Phone) open(ctx context.Context, uri string) (Ask, error) {
	p.work.Lock()
	defer p.work.Unlock()
	if _, err := p.connected(ctx); errors.Is(err, ErrNoNetwork) {
		a, unknown := p.asking(ctx, func(a Asking) bool { return a.Link == uri && a.Request != "" })
		if unknown != nil {
			return Ask{}, err
		}
		return p.view(ctx, a) // fetched and checked before
	} else if err != nil {
		return Ask{}, err
	}
	if !p.element.HasKeys() {
		return Ask{}, ErrNotRegistered
	}
	a, err := p.begun(ctx, uri)
	if err != nil {
		return Ask{}, err
	}
	if a.Request == "" {
		if a, err = p.fetch(ctx, a); err != nil {
			return Ask{}, p.refuseAsk(ctx, a, err)
		}
	}
	return p.view(ctx, a)
}

// begun is what the phone keeps of the request at uri, fetched or not yet.
func (p *Phone) begun(ctx context.Context, uri string) (Asking, error) {
	a, err := p.asking(ctx, func(a Asking) bool { return a.Link == uri })
	if !errors.Is(err, ErrNoRequest) {
		return a, err
	}
	// The number under which we fetch is kept first: after a crash the verifier
	// gives the request again only to whoever fetched it.
	now := p.now()
	a = Asking{ID: ceremony.NewID(), Phone: p.id, Link: uri, Fetcher: ceremony.NewID(), At: now, Until: now.Add(ceremony.MaxOnline)}
	if err := p.store().PutAsk(ctx, a); err != nil {
		return a, fmt.Errorf("phone: request: %w", err)
	}
	return a, nil
}

// fetch gets and checks everything, and keeps it.
func (p *Phone) fetch(ctx context.Context, a Asking) (Asking, error) {
	draft := a.ID
	compact, err := p.get(ctx, a.Link, httpd.Header{Name: ceremony.PhoneHeader, Value: a.Fetcher})
	if err != nil {
		return a, refusedUnread(err)
	}
	m, err := ceremony.ParseRequest(compact)
	if err != nil {
		return a, requestProblem(err)
	}
	// What the message says of itself comes first: nobody is asked about the asker
	// of a request that was edited or is over.
	q, err := m.Verify()
	if err != nil {
		return a, ErrForged.Because(err)
	}
	if err := q.Fresh(p.now()); err != nil {
		return a, requestProblem(err)
	}
	// A terminal's request has no number and ends in no browser: that the person touched
	// the terminal is all that ties it to the place where it was asked.
	if q.Channel == ceremony.Tap && !a.Tapped {
		return a, ErrNotTapped
	}
	origin, _ := ceremony.Origin(a.Link) // was checked by requestURI
	asker, err := p.registration(ctx, origin, q.Issuer, q.Terminal)
	if err != nil {
		return a, err
	}
	var on *ceremony.Registration
	if q.OnBehalfOf != "" {
		m, err := p.registration(ctx, origin, q.OnBehalfOf, nil)
		if err != nil {
			return a, err
		}
		r := m.Unverified()
		on, a.OnBehalfOf = &r, m.Raw()
	}
	if err := p.allowed(ctx, asker.Unverified(), on, m); err != nil {
		return a, err
	}
	a.Registration = asker.Raw()
	shown := asker.Unverified()
	if on != nil {
		shown = *on
	}
	a.Logo = p.logo(ctx, origin, shown)
	if a.Documents, err = p.documents(ctx, a, q.ToSign()); err != nil {
		return a, err
	}
	a.ID, a.Request, a.Until = q.ID, compact, time.Unix(q.Expires, 0).UTC()
	if err := p.store().PutAsk(ctx, a); err != nil {
		return a, fmt.Errorf("phone: request: %w", err)
	}
	if err := p.store().DropAsk(ctx, p.id, draft); err != nil {
		return a, fmt.Errorf("phone: request: %w", err)
	}
	p.tell(ctx, "verifier", "request", "依頼を受け取り、署名と登録を確かめました", "Fetched the request; checked its signature and who asks",
		map[string]string{"request": q.ID, "party": q.Issuer, "purpose": q.Purpose.Code})
	return a, nil
}

// refuseAsk forgets a request that was refused, and writes that into the
// history; one that could not be checked stays, for another try. So does the number
// under which a terminal's request was fetched: held to that terminal after all, this
// phone still gets it.
func (p *Phone) refuseAsk(ctx context.Context, a Asking, err error) error {
	prob := problem.From(err)
	if prob.Kind == problem.CouldNotCheck || prob.Kind == problem.OurFault {
		return err
	}
	if !errors.Is(err, ErrNotTapped) {
		if err := p.store().DropAsk(ctx, p.id, a.ID); err != nil {
			return fmt.Errorf("phone: request: %w", err)
		}
	}
	if err := p.note(ctx, refusal(UseRequest, err)); err != nil {
		return err
	}
	return err
}

// asking finds a waiting request; ErrNoRequest.
func (p *Phone) asking(ctx context.Context, is func(Asking) bool) (Asking, error) {
	all, err := p.store().Asks(ctx, p.id)
	if err != nil {
		return Asking{}, fmt.Errorf("phone: requests: %w", err)
	}
	at := p.now()
	for _, a := range all {
		if !at.Before(a.Until) {
			if err := p.lapse(ctx, a); err != nil {
				return Asking{}, err
			}
			if is(a) {
				return Asking{}, ErrExpired
			}
			continue
		}
		if is(a) {
			return a, nil
		}
	}
	return Asking{}, ErrNoRequest
}

// Asked is a fetched request that has not been answered. ErrNoRequest, ErrExpired.
func (p *Phone) Asked(ctx context.Context, id string) (Ask, error) {
	a, err := p.asking(ctx, func(a Asking) bool { return a.ID == id && a.Request != "" })
	if err != nil {
		return Ask{}, err
	}
	return p.view(ctx, a)
}
