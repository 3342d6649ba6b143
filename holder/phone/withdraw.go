package phone

import (
	"context"
	"fmt"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/problem"
)

// ErrWithdrawn: what was agreed to without a network was taken back.
var ErrWithdrawn = problem.NewRefused(409, "request-withdrawn",
	"断ることにした依頼です。", "封をした回答は、もうどの端末にも渡しません。断ったことは、通信できるようになったら送ります。必要なときは、相手の画面からやり直してください。",
	"You took back your answer to this request.", "The sealed answer is given to no terminal any more. That you refuse is sent once there is a network. If you need it after all, begin again on the screen that asked.")

// withdrawRetry is when a verifier that was not reached is told again.
const withdrawRetry = time.Minute

// withdraw keeps, without a network, that the person takes back what was signed and waits to
// be carried. What is written first is what keeps it from being carried: killed right after,
// the phone gives it to no terminal. The sealed answer stays: it may have been carried before,
// and then only sending it again tells what came of it.
func (p *Phone) withdraw(ctx context.Context, a Asking, w parts, reason string) (Outcome, error) {
	if reason = reasonOr(reason); !ceremony.ValidReason(reason) {
		return Outcome{}, ErrReason
	}
	a.Withdrawn, a.TellAt = reason, p.now()
	if err := p.store().PutAsk(ctx, a); err != nil {
		return Outcome{}, fmt.Errorf("phone: answer: %w", err)
	}
	use := p.use(w, ResultWithdrawn)
	use.ID, use.Code = a.UseID, reason
	if err := p.note(ctx, &use); err != nil {
		return Outcome{}, err
	}
	return Outcome{Party: w.who.Name, What: w.request.Purpose.Sentence, At: p.now(), Withdrawn: true}, nil
}

// tellWithdrawn sends the refusals that were kept without a network. Who is not reached is
// told later; after the request's end there is nothing to tell.
func (p *Phone) tellWithdrawn(ctx context.Context) error {
	p.work.Lock()
	defer p.work.Unlock()
	return p.sendWithdrawn(ctx)
}

// sendWithdrawn is tellWithdrawn for who holds the phone's work.
func (p *Phone) sendWithdrawn(ctx context.Context) error {
	if _, err := p.connected(ctx); err != nil {
		return err
	}
	asks, err := p.store().Asks(ctx, p.id)
	if err != nil {
		return fmt.Errorf("phone: requests: %w", err)
	}
	for _, a := range asks {
		switch now := p.now(); {
		case a.Withdrawn == "" || now.Before(a.TellAt):
			continue
		case !now.Before(a.Until):
			if err := p.lapse(ctx, a); err != nil {
				return err
			}
			continue
		}
		// Before it is sent: an error that leaves the request as it is must not be tried
		// again without a pause.
		a.TellAt = p.now().Add(withdrawRetry)
		if err := p.store().PutAsk(ctx, a); err != nil {
			return fmt.Errorf("phone: requests: %w", err)
		}
		w, err := p.parts(ctx, a)
		if err != nil {
			return err
		}
		if _, err := p.decline(ctx, a, w, a.Withdrawn); err != nil {
			p.phones.c.Log.InfoContext(ctx, "a refusal was not taken", "phone", p.id, "code", problem.From(err).Code)
		}
	}
	return nil
}

// withdrawals are what tellWithdrawn has to do, and when.
func (p *Phone) withdrawals(ctx context.Context) (list []errand, err error) {
	asks, err := p.store().Asks(ctx, p.id)
	if err != nil {
		return nil, fmt.Errorf("phone: %s: requests: %w", p.id, err)
	}
	for _, a := range asks {
		if a.Withdrawn != "" {
			list = append(list, errand{a.TellAt, p, p.tellWithdrawn})
		}
	}
	return list, nil
}

// reasonOr is the reason of a refusal that may name none.
func reasonOr(reason string) string {
	if reason == "" {
		return ceremony.ReasonUnwanted
	}
	return reason
}
