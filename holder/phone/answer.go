package phone

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/holder/element"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/jws"
	"tegata/internal/problem"
)

// What an answer can be refused for before it leaves.
var (
	ErrPickNumber = problem.NewYourTurn(422, "pick-number",
		"番号を選んでください。", "相手の画面に出ている番号と同じものを押してください。同じ番号がなければ「断る」を押してください。",
		"Choose the number.", "Press the one that the other screen shows. If none is the same, refuse.")
	ErrNotAsked = problem.NewYourTurn(422, "not-asked-for",
		"求められていない項目です。", "画面に出ている項目だけを選べます。",
		"This was not asked for.", "Only what is shown can be given.")
	ErrNotChosen = problem.NewYourTurn(422, "must-be-given",
		"この依頼では、断れない項目があります。", "すべて渡すか、依頼そのものを断ってください。",
		"Some of these data cannot be refused alone.", "Give them all, or refuse the request.")
	ErrReplaced = problem.New(problem.YourTurn, 409, "request-replaced",
		problem.Text{Title: "依頼の内容が、見ていたものと変わりました。", Detail: "何もしていません。入力できる回数は減っていません。いま出ている内容を読み直し、覚えがなければ断ってください。"},
		problem.Text{Title: "The request is not the one that you were looking at.", Detail: "Nothing was done. No try was used up. Read what is shown now, and refuse it unless you expect it."})
	ErrReason = problem.NewYourTurn(400, "reason-unknown",
		"断る理由を選べませんでした。", "一覧から選び直してください。",
		"This is not a reason for refusing.", "Choose one from the list.")
	ErrReturn = problem.NewRefused(502, "return-address",
		"戻り先が、登録されたものではありません。", "回答は届いています。もとの画面を自分で開いて確かめてください。",
		"The way back is not a registered one.", "Your answer has arrived. Open the asking page yourself.")
)

// Reply is what the person decided.
type Reply struct {
	Shown   string // Ask.Shown of what the person saw
	Approve bool
	Reason  string         // of a refusal, one of ceremony's; "" is "unwanted"
	Granted []string       // of the optional data
	Match   string         // when the request crosses devices
	Seen    []string       // of several documents: the SHA256 of each that the person has read
	Unlock  element.Unlock // Ask.Secret; a refusal needs none
}

// Outcome is what happened with the answer.
type Outcome struct {
	Approved  bool
	Redirect  string // same device: where this browser goes on; "" otherwise
	Party     ceremony.Text
	What      ceremony.Text
	At        time.Time
	Copies    int  // of signed documents that the phone keeps from now on
	NoRoom    bool // it has no room for them
	Withdrawn bool // refused after that, without a network: given to no terminal any more
	Carry     bool // signed, and not sent for want of a network: the terminal that asked takes it at a second tap
}

// Answer answers a fetched request. A wrong secret, and an answer that could not
// be delivered, leave the request as it is: once signed, it is only sent again,
// unless the person refuses now. After anything else the request is over.
//
// Without a network, a yes to what a terminal handed over is signed and waits for a second
// tap there (Outcome.Carry); a refusal after that takes it back (Outcome.Withdrawn). Anything
// else is ErrNoNetwork. What was taken back is agreed to no more: ErrWithdrawn.
//
// A refusal by the verifier is that problem; the Outcome beside it says where
// the browser goes all the same. Both redirects are checked; what a verifier sent
// and the asking party did not register is in neither.
func (p *Phone) Answer(ctx context.Context, id string, reply Reply) (Outcome, error) {
	p.work.Lock()
	defer p.work.Unlock()
	_, alone := p.connected(ctx)
	if alone != nil && !errors.Is(alone, ErrNoNetwork) {
		return Outcome{}, alone
	}
	a, err := p.asking(ctx, func(a Asking) bool { return a.ID == id && a.Request != "" })
	if err != nil {
		return Outcome{}, err
	}
	if reply.Shown != a.shown() {
		return Outcome{}, ErrReplaced
	}
	if alone != nil && (!a.Tapped || !reply.Approve && a.Sealed == "") {
		return Outcome{}, alone
	}
	if reply.Approve && a.Withdrawn != "" {
		return Outcome{}, ErrWithdrawn
	}
	w, err := p.parts(ctx, a)
	if err != nil {
		return Outcome{}, err
	}
	if !reply.Approve && alone != nil {
		return p.withdraw(ctx, a, w, reply.Reason)
	}
	if !reply.Approve {
		return p.decline(ctx, a, w, reply.Reason)
	}
	if a.Sealed == "" {
		if a, err = p.sign(ctx, a, w, reply); err != nil {
			return Outcome{}, err
		}
	}
	if alone != nil {
		return Outcome{Party: w.who.Name, What: w.request.Purpose.Sentence, At: p.now(), Carry: true}, nil
	}
	out, err := p.deliver(ctx, a, w, ceremony.Posted{Answer: a.Sealed, Signed: a.Signed})
	if err == nil {
		p.checkInAfter(ctx)
	}
	return out, err
}

// parts are the messages of a request.
type parts struct {
	message    *jws.Message[ceremony.Request]
	request    ceremony.Request
	asker, who ceremony.Registration // who asks; who is shown large
	demand     ceremony.Demand       // of the holder's own, when the class was raised
}

func (p *Phone) parts(ctx context.Context, a Asking) (parts, error) {
	m, err := ceremony.ParseRequest(a.Request)
	if err != nil {
		return parts{}, requestProblem(err)
	}
	r, err := ceremony.ParseRegistration(a.Registration)
	if err != nil {
		return parts{}, requestProblem(err)
	}
	w := parts{message: m, request: m.Unverified(), asker: r.Unverified(), who: r.Unverified()}
	if a.OnBehalfOf != "" {
		on, err := ceremony.ParseRegistration(a.OnBehalfOf)
		if err != nil {
			return parts{}, requestProblem(err)
		}
		w.who = on.Unverified()
	}
	record, err := p.store().Phone(ctx, p.id)
	if err != nil {
		return parts{}, fmt.Errorf("phone: request: %w", err)
	}
	w.demand = record.demandOf(w.request)
	return w, nil
}

// view is a request as it is shown.
func (p *Phone) view(ctx context.Context, a Asking) (Ask, error) {
	if a.Withdrawn != "" {
		return Ask{}, ErrWithdrawn
	}
	w, err := p.parts(ctx, a)
	if err != nil {
		return Ask{}, err
	}
	q := w.request
	v := Ask{
		ID: a.ID, Shown: a.shown(), Party: party(w.who), Channel: q.Channel, What: q.Purpose.Sentence, Kind: q.Kind, Risk: q.Risk,
		Write: q.Write, Match: q.Match, Secret: w.secret(), NoLock: w.demand != "", Until: a.Until,
	}
	v.Tries, v.Party.Logo = p.element.Tries(v.Secret), a.Logo
	if a.OnBehalfOf != "" {
		through := party(w.asker)
		v.Through = &through
	}
	if q.Terminal != nil {
		v.Place, v.Address = q.Terminal.Place, q.Terminal.Address
	}
	if v.Sign, err = readDocuments(q.ToSign(), a.contents()); err != nil {
		return Ask{}, err
	}
	if v.NoRoom, err = p.noRoom(ctx, a.contents()); err != nil {
		return Ask{}, err
	}
	for _, c := range q.Claims {
		v.Data = append(v.Data, Datum{Code: c, Optional: q.Kind == ceremony.Consent})
	}
	return v, nil
}

func party(r ceremony.Registration) Party {
	return Party{ID: r.Party, Name: r.Name, Mark: r.Mark, Since: r.VerifiedSince}
}

// secret is the one secret that the risk class asks for, or what its holder raised
// that to.
func (w parts) secret() element.Which {
	if w.request.Risk == ceremony.R3 || w.demand == ceremony.DemandPassword {
		return element.Password
	}
	return element.PIN
}

// granted checks the person's choice among the claims.
func granted(q ceremony.Request, reply Reply) ([]string, error) {
	for _, g := range reply.Granted {
		if !slices.Contains(q.Claims, g) {
			return nil, ErrNotAsked.With("claim", g)
		}
	}
	if q.Kind != ceremony.Consent {
		return q.Claims, nil
	}
	return reply.Granted, nil
}

// sign unlocks the element and has it sign; the signed answer is kept before it
// is sent.
func (p *Phone) sign(ctx context.Context, a Asking, w parts, reply Reply) (Asking, error) {
	q := w.request
	if len(q.Match) > 0 && !slices.Contains(q.Match, reply.Match) {
		return a, ErrPickNumber.With("choices", q.Match)
	}
	if err := w.seen(reply); err != nil {
		return a, err
	}
	given, err := granted(q, reply)
	if err != nil {
		return a, err
	}
	u := element.Unlock{PIN: reply.Unlock.PIN}
	switch byLock := reply.Unlock.Assertion; {
	case byLock != nil && w.secret() == element.Password: // never biometrics for R3
		return a, ErrBiometricsNotHere
	case byLock != nil && w.demand != "":
		return a, ErrPINChosen
	case w.secret() == element.Password:
		u = element.Unlock{Password: reply.Unlock.Password}
	case byLock != nil:
		u = element.Unlock{Assertion: byLock, Request: w.message.Hash()}
	}
	if u.PIN.IsZero() && u.Password.IsZero() && u.Assertion == nil {
		return a, ErrSecretForm.With("which", string(w.secret()))
	}
	session, err := p.unlock(ctx, u)
	if err != nil {
		return a, err
	}
	defer session.Close()
	use := p.use(w, ResultPending)
	use.Data = given
	if err := p.note(ctx, &use); err != nil { // before anything is signed
		return a, err
	}
	a.UseID, a.Approved = use.ID, given
	answer := ceremony.Answer{
		Audience: q.Audience, Request: w.message.Hash(), Nonce: q.Nonce, Decision: ceremony.Approve,
		Granted: given, Match: reply.Match,
	}
	if len(q.Match) == 0 {
		answer.Match = ""
	}
	if attributes := attributesIn(given); len(attributes) > 0 {
		answer.Release, err = session.Release(ceremony.Release{
			Verifier: q.Audience, Claims: attributes, Request: w.message.Hash(),
			Expires: min(q.Expires, p.now().Add(ceremony.MaxOnline).Unix()),
		})
		if err != nil {
			return a, fmt.Errorf("phone: release: %w", err)
		}
	}
	enc, err := w.asker.Verifier.EncryptionChain()
	if err != nil {
		return a, fmt.Errorf("phone: answer: %w", err)
	}
	if err := p.signDocuments(ctx, session, &a, q, enc[0]); err != nil { // before the answer, which holds their hashes
		return a, err
	}
	compact, err := session.Answer(answer)
	if err != nil {
		return a, fmt.Errorf("phone: answer: %w", err)
	}
	if a.Sealed, err = ceremony.Seal(compact, enc[0]); err != nil {
		return a, fmt.Errorf("phone: answer: %w", err)
	}
	if err := p.store().PutAsk(ctx, a); err != nil {
		return a, fmt.Errorf("phone: answer: %w", err)
	}
	return a, nil
}

func attributesIn(claims []string) []string {
	var out []string
	for _, c := range claims {
		if slices.Contains(ceremony.AttributeClaims(), c) {
			out = append(out, c)
		}
	}
	return out
}

func (p *Phone) use(w parts, result string) Use {
	u := Use{At: p.now(), Kind: string(w.request.Kind), Party: w.who.Name, What: w.request.Purpose.Sentence, Result: result}
	if t := w.request.Terminal; t != nil {
		u.Where = t.Place
	}
	u.Document, u.Documents = w.request.UsedDocuments()
	return u
}

// decline ends the request without unlocking anything: refusing is not harder
// than agreeing.
func (p *Phone) decline(ctx context.Context, a Asking, w parts, reason string) (Outcome, error) {
	if reason = reasonOr(reason); !ceremony.ValidReason(reason) {
		return Outcome{}, ErrReason
	}
	use := p.use(w, ResultPending)
	use.Code = reason
	if a.UseID != "" {
		use.ID = a.UseID
	}
	if err := p.note(ctx, &use); err != nil {
		return Outcome{}, err
	}
	a.UseID = use.ID
	if err := p.store().PutAsk(ctx, a); err != nil {
		return Outcome{}, fmt.Errorf("phone: answer: %w", err)
	}
	return p.deliver(ctx, a, w, ceremony.Posted{Decline: reason})
}

// tooLate tells whether a verifier took no refusal because the request is over:
// an approval that was sent before, and looked lost, may have arrived.
func tooLate(err error) bool {
	code := problem.From(err).Code
	return code == ErrUsed.Code || code == ErrExpired.Code
}

// deliver posts what the person decided and closes the request. That the verifier
// takes a refusal as told is its success too.
func (p *Phone) deliver(ctx context.Context, a Asking, w parts, posted ceremony.Posted) (Outcome, error) {
	out := Outcome{Party: w.who.Name, What: w.request.Purpose.Sentence, At: p.now()}
	var taken ceremony.Taken
	post := func() error {
		return httpd.PostJSON(ctx, p.phones.c.Client, w.request.ResponseURI, posted, &taken,
			httpd.Header{Name: ceremony.PhoneHeader, Value: a.Fetcher})
	}
	err := post()
	if err != nil && posted.Decline != "" && a.Sealed != "" && tooLate(err) {
		// The request is over, so that the same answer changes nothing any more: the
		// verifier tells what came of it, and the history says that.
		posted = ceremony.Posted{Answer: a.Sealed, Signed: a.Signed}
		err = post()
	}
	use := p.use(w, ResultApproved)
	use.ID = a.UseID
	if posted.Decline != "" {
		use.Result, use.Code = ResultRefused, posted.Decline
	} else {
		use.Data = a.Approved
	}
	if err != nil {
		prob := problem.From(err)
		if _, judged := prob.Extra["verdict"]; !judged && (prob.Kind == problem.CouldNotCheck || prob.Kind == problem.OurFault) {
			return Outcome{}, wayBack(err, "") // it stays, and is sent again
		}
		taken.Redirect, _ = prob.Extra["redirect"].(string)
		use.Result, use.Code, use.Why, use.Data = ResultFailed, prob.Code, sentence(prob), nil // nothing was handed over
		if err := p.learnDemand(ctx, w.request, prob); err != nil {
			return Outcome{}, err
		}
	}
	if noted := p.note(ctx, &use); noted != nil {
		return Outcome{}, noted
	}
	if use.Result == ResultApproved {
		out.Copies, out.NoRoom = len(a.Copies), a.NoRoom
	}
	if closed := p.closeAsk(ctx, a, w, use.Result == ResultApproved); closed != nil {
		return Outcome{}, closed
	}
	p.tell(ctx, "verifier", "answer", "回答を暗号化して、検証者に送りました", "Sealed the answer and sent it to the verifier",
		map[string]string{"request": w.request.ID, "party": w.request.Issuer, "result": use.Result, "code": use.Code})
	switch {
	case taken.Redirect == "":
	case returns(w.asker, taken.Redirect):
		out.Redirect = taken.Redirect
	case err == nil:
		return Outcome{}, ErrReturn
	}
	out.Approved = use.Result == ResultApproved
	return out, wayBack(err, out.Redirect)
}

// checkInAfter checks in after a use. What it cannot do now is done by the
// clock's own work.
func (p *Phone) checkInAfter(ctx context.Context) {
	_, live, _, err := p.enrolments(ctx)
	if err == nil && live != nil && live.Step == StepRegistered {
		err = p.checkIn(ctx, live)
	}
	if err != nil {
		p.phones.c.Log.InfoContext(ctx, "check-in after a use did not succeed", "phone", p.id, "code", problem.From(err).Code)
	}
}
