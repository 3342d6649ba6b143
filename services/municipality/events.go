package municipality

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
)

// EventKind is what happened to a resident or a card.
type EventKind string

// What can be reported at the desk. CardRenewed is our own: a newer card was
// handed over.
const (
	Moved       EventKind = "moved"
	NameChanged EventKind = "name-changed" // or sex, or a corrected birth date
	Died        EventKind = "died"         // or emigrated
	CardLost    EventKind = "card-lost"
	CardFound   EventKind = "card-found"
	CardRenewed EventKind = "card-renewed"
)

// Report is the body of POST /v1/residents/{id}/events. A field that is absent
// stays as it was; which may be present follows from the kind.
type Report struct {
	ID   string    `json:"id"` // client-chosen
	Kind EventKind `json:"kind"`

	// moved
	Municipality        string `json:"municipality,omitempty"`
	Household           string `json:"household,omitempty"`
	Address             string `json:"address,omitempty"`
	AddressOriginal     string `json:"address_original,omitempty"`
	AddressSubstitution string `json:"address_substitution,omitempty"`

	// name-changed
	Name             string `json:"name,omitempty"`
	NameOriginal     string `json:"name_original,omitempty"`
	NameSubstitution string `json:"name_substitution,omitempty"`
	Alias            string `json:"alias,omitempty"`
	Kana             string `json:"kana,omitempty"`
	Birth            string `json:"birth,omitempty"`
	Sex              string `json:"sex,omitempty"`

	// card-lost, card-found; absent: the card that was handed over last
	Card string `json:"card,omitempty"`
}

// registerEvent is what the issuer's POST /v1/register-events takes.
type registerEvent struct {
	ID           string               `json:"id"`
	Person       string               `json:"person"`
	Kind         EventKind            `json:"kind"`
	Attributes   *pki.Attributes      `json:"attributes,omitempty"`
	Municipality *subjectMunicipality `json:"municipality,omitempty"`
	Card         string               `json:"card,omitempty"`
}

// subjectMunicipality is a municipality as certificates name it.
type subjectMunicipality struct {
	Code       string `json:"code"`
	Prefecture string `json:"prefecture"`
	City       string `json:"city"`
}

func (m Municipality) subject() subjectMunicipality {
	return subjectMunicipality{Code: m.Code, Prefecture: m.PrefectureLatin, City: m.CityLatin}
}

// Report changes the register by what happened, and tells the issuer: at once
// when it answers, otherwise as soon as it does; the state of the event says
// which. Sent again it gets the same answer. Errors: ErrBadEvent,
// ErrUnknownResident, ErrResidentDied, ErrMunicipality, ErrNoCard,
// ErrCardNotFitting, ErrEventConflict.
func (r *Register) Report(ctx context.Context, who audit.Actor, resident string, in Report) (EventView, error) {
	if err := in.check(); err != nil {
		return EventView{}, badField(ErrBadEvent, err)
	}
	hash, err := hashOf(in)
	if err != nil {
		return EventView{}, err
	}
	at := r.at()
	err = r.store.Write(ctx, func(tx Tx) error {
		rec, err := tx.Resident(ctx, resident)
		if errors.Is(err, ErrNotFound) {
			return ErrUnknownResident
		}
		if err != nil {
			return err
		}
		was, err := tx.Event(ctx, resident, in.ID)
		if err == nil {
			if was.RequestHash != hash {
				return ErrEventConflict
			}
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if rec.Died {
			return ErrResidentDied
		}
		message, err := r.apply(ctx, tx, at, rec, in)
		if err != nil {
			return err
		}
		if err := r.enqueue(ctx, tx, at, message, hash); err != nil {
			return err
		}
		return tx.Audit(ctx, at, who, "resident."+string(in.Kind), resident, map[string]string{"event": in.ID})
	})
	if err != nil {
		return EventView{}, err
	}
	// The event stands whether or not the issuer can be told now.
	if err := r.goOn(ctx, resident); err != nil {
		r.conf.Log.WarnContext(ctx, "event not told yet", "resident", resident, "event", in.ID, "error", err)
	}
	var out EventView
	err = r.store.Read(ctx, func(tx Tx) error {
		e, err := tx.Event(ctx, resident, in.ID)
		out = e.view()
		return err
	})
	return out, err
}

// check says which field does not go with the kind.
func (in Report) check() *fieldError {
	if !identifier.MatchString(in.ID) {
		return &fieldError{"id", "is 1 to 64 of A-Z a-z 0-9 _ -"}
	}
	moved := in.Municipality+in.Household+in.Address+in.AddressOriginal+in.AddressSubstitution != ""
	renamed := in.Name+in.NameOriginal+in.NameSubstitution+in.Alias+in.Kana+in.Birth+in.Sex != ""
	switch in.Kind {
	case Moved:
		if in.Address == "" {
			return &fieldError{"address", "is missing"}
		}
	case NameChanged:
		if !renamed {
			return &fieldError{"name", "nothing changed"}
		}
		if (in.NameOriginal != "" || in.NameSubstitution != "") && in.Name == "" {
			return &fieldError{"name", "is missing"}
		}
	case Died, CardLost, CardFound:
	default:
		return &fieldError{"kind", "is moved, name-changed, died, card-lost or card-found"}
	}
	switch {
	case moved && in.Kind != Moved:
		return &fieldError{"address", "does not go with this kind"}
	case renamed && in.Kind != NameChanged:
		return &fieldError{"name", "does not go with this kind"}
	case in.Card != "" && in.Kind != CardLost && in.Kind != CardFound:
		return &fieldError{"card", "does not go with this kind"}
	}
	return nil
}

// apply changes the register and returns the message that tells of it.
func (r *Register) apply(ctx context.Context, tx Tx, at time.Time, rec Record, in Report) (registerEvent, error) {
	message := registerEvent{ID: in.ID, Person: rec.ID, Kind: in.Kind}
	if in.Kind == CardLost || in.Kind == CardFound {
		card, err := r.reportCard(ctx, tx, rec, in)
		message.Card = card
		return message, err
	}
	changed := in.onto(rec.Resident)
	full, err := changed.complete(at)
	if bad, ok := errors.AsType[*fieldError](err); ok {
		return message, badField(ErrBadEvent, bad)
	}
	m, ok := r.municipality(full.Municipality)
	if !ok {
		return message, ErrMunicipality
	}
	if in.Kind != Died {
		attributes := full.attributes()
		message.Attributes = &attributes
	}
	if in.Kind == Moved {
		subject := m.subject()
		message.Municipality = &subject
	}
	rec.Resident, rec.ChangedAt = full, at
	return message, tx.UpdateResident(ctx, rec)
}

// onto returns was with what the report changes.
func (in Report) onto(was Resident) Resident {
	set := func(field *string, value string) {
		if value != "" {
			*field = value
		}
	}
	switch in.Kind {
	case Died:
		was.Died = true
	case Moved:
		set(&was.Municipality, in.Municipality)
		set(&was.Household, in.Household)
		was.Address, was.AddressOriginal, was.AddressSubstitution = in.Address, in.AddressOriginal, in.AddressSubstitution
	case NameChanged:
		if in.Name != "" {
			was.Name, was.NameOriginal, was.NameSubstitution = in.Name, in.NameOriginal, in.NameSubstitution
		}
		set(&was.Alias, in.Alias)
		set(&was.Kana, in.Kana)
		set(&was.Birth, in.Birth)
		set(&was.Sex, in.Sex)
	}
	return was
}

// reportCard notes that a card is lost or found and returns its id.
func (r *Register) reportCard(ctx context.Context, tx Tx, rec Record, in Report) (string, error) {
	cards, err := tx.CardsOf(ctx, rec.ID)
	if err != nil {
		return "", err
	}
	for _, c := range slices.Backward(cards) {
		if c.State != CardPersonalised || in.Card != "" && in.Card != c.ID {
			continue
		}
		if c.Lost == (in.Kind == CardLost) {
			return "", ErrCardNotFitting
		}
		c.Lost = in.Kind == CardLost
		return c.ID, tx.UpdateCard(ctx, c, CardPersonalised)
	}
	return "", ErrNoCard
}

// enqueue puts a message into the resident's line of work, or only notes it when
// the issuer does not know the person: then it will learn the facts with the
// first card.
func (r *Register) enqueue(ctx context.Context, tx Tx, at time.Time, message registerEvent, hash [32]byte) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	cards, err := tx.CardsOf(ctx, message.Person)
	if err != nil {
		return err
	}
	e := Event{Resident: message.Person, ID: message.ID, Kind: message.Kind, State: EventLocal, Message: text, RequestHash: hash, At: at, DoneAt: at}
	if slices.ContainsFunc(cards, func(c Card) bool { return c.State.known() }) {
		e.State, e.DoneAt = EventWaiting, time.Time{}
	}
	switch err := tx.AddEvent(ctx, e); {
	case errors.Is(err, ErrTaken):
		return ErrEventConflict
	case err != nil:
		return err
	}
	if e.State == EventLocal {
		return nil
	}
	return tx.SetWork(ctx, Work{Resident: message.Person, Due: at})
}
