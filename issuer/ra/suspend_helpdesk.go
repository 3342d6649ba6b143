package ra

import (
	"context"
	"errors"
	"time"

	"tegata/internal/audit"
	"tegata/internal/problem"
)

// Limits of a helpdesk's tries with four facts, all in TriesWindow: what somebody says
// by telephone is known to others too, so that nobody may try one person's address
// after the other, nor one birth date after the other. Name and birth date are limited
// together, or five calls with any name would close the helpdesk to all who were born
// on a day.
const (
	FactsPerPerson    = 5  // wrong ones, of all agents, for one name and birth date
	FactsPerBirthDate = 30 // wrong ones, of all agents, whatever the name
	FactsPerAgent     = 20 // wrong ones
	FactsPerHelpdesk  = 200
)

// SuspendByFacts holds the phone of whoever has these four facts in the register, for a
// caller to the helpdesk. The try is counted, durably, before anything is compared, and
// given back when it was right. The one refusal is the same whether nobody was born
// that day, one of the four is another, or the person has no phone.
func (r *RA) SuspendByFacts(ctx context.Context, helpdesk, agent string, f Facts) (Suspended, error) {
	at := r.at()
	if err := agentName(agent); err != nil {
		return Suspended{}, err
	}
	heard, err := f.parsed(at)
	if err != nil {
		return Suspended{}, err
	}
	limits := []tryLimit{
		{[32]byte(r.mac("facts about", helpdesk, heard.BirthDate, heard.Name)), FactsPerPerson},
		{[32]byte(r.mac("facts", helpdesk, heard.BirthDate)), FactsPerBirthDate},
		{[32]byte(r.mac("facts of", helpdesk, agent)), FactsPerAgent},
		{[32]byte(r.mac("facts through", helpdesk)), FactsPerHelpdesk},
	}
	try := randomID()
	left, err := r.countTry(ctx, callersFacts, limits, try, at)
	if err != nil {
		return Suspended{}, tooMany(err, ErrFactsTries)
	}
	who := agentActor(helpdesk, agent)
	found := false
	var refusal error
	err = r.store.Write(ctx, func(tx Tx) error {
		found, refusal = false, nil
		born, err := tx.RegisteredBornOn(ctx, f.BirthDate)
		if err != nil {
			return err
		}
		for _, e := range born {
			p, err := tx.Person(ctx, e.Person)
			if err != nil {
				return err
			}
			if !same(heard, p.Attributes) {
				continue
			}
			found = true
			if refusal, err = keeping(r.loseForAgent(ctx, tx, at, helpdesk, agent, e)); err != nil {
				return err
			}
		}
		if !found {
			return tx.Audit(ctx, at, who, "facts refused", try, nil)
		}
		return r.dropTry(ctx, tx, callersFacts, limits, try)
	})
	if err == nil && !found {
		err = ErrFactsWrong.With("tries_left", left)
	}
	return r.suspended(ctx, at, ByHelpdesk, errors.Join(err, refusal))
}

// SuspendBySupport holds the phone that a support number was made on. ErrSupportNumber
// when its ten minutes are over, ErrNoPhone when it is not registered.
func (r *RA) SuspendBySupport(ctx context.Context, helpdesk, agent, support string) (Suspended, error) {
	at := r.at()
	if err := agentName(agent); err != nil {
		return Suspended{}, err
	}
	var refusal error
	err := r.store.Write(ctx, func(tx Tx) error {
		_, e, err := supportOf(ctx, tx, support, at)
		if err != nil {
			return err
		}
		if e.State != StateRegistered {
			return ErrNoPhone
		}
		refusal, err = keeping(r.loseForAgent(ctx, tx, at, helpdesk, agent, e))
		return err
	})
	return r.suspended(ctx, at, ByHelpdesk, errors.Join(err, refusal))
}

// loseForAgent is lose for an agent of a helpdesk, with a line in the person's history.
func (r *RA) loseForAgent(ctx context.Context, tx Tx, at time.Time, helpdesk, agent string, e EnrolmentRecord) error {
	q := Query{At: at, Verifier: helpdesk, What: "suspend", Agent: agent}
	if err := r.logAgent(ctx, tx, at, e.Person, randomID(), q); err != nil {
		return err
	}
	return r.lose(ctx, tx, at, agentActor(helpdesk, agent), e, ByHelpdesk, "")
}

// logAgent is logQuery for what an agent did; id names the line.
func (r *RA) logAgent(ctx context.Context, tx Tx, at time.Time, person, id string, q Query) error {
	if err := tx.PutQuery(ctx, person, id, q); err != nil {
		return err
	}
	return tx.Audit(ctx, at, agentActor(q.Verifier, q.Agent), "query", id, map[string]string{"what": q.What})
}

// agentActor is an agent of a helpdesk; without a name, a helper who has no account.
func agentActor(helpdesk, agent string) audit.Actor {
	if agent == "" {
		agent = "helper"
	}
	return audit.Actor{Party: helpdesk, Kind: "person", ID: agent}
}

// tooMany says ErrTooManyTries in the words of another door.
func tooMany(err error, words *problem.Problem) error {
	if !errors.Is(err, ErrTooManyTries) {
		return err
	}
	return words.With("retry_after", problem.From(err).Extra["retry_after"])
}
