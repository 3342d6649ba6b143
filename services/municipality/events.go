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

// What can be reported at the desk. CardRenewed is our own: a newer card was handed
// over. So is Announced: something was reported for a day to come, or taken back.
const (
	Moved       EventKind = "moved"
	NameChanged EventKind = "name-changed" // or sex, or a corrected birth date
	Died        EventKind = "died"
	Emigrated   EventKind = "emigrated"
	CardLost    EventKind = "card-lost"
	CardFound   EventKind = "card-found"
	CardRevoked EventKind = "card-revoked" // given back, or its signature certificate no longer wanted
	CardRenewed EventKind = "card-renewed"
	Announced   EventKind = "announced"
)

// Report is the body of POST /v1/residents/{id}/events. A field that is absent
// stays as it was; which may be present follows from the kind.
type Report struct {
	ID   string    `json:"id"` // client-chosen
	Kind EventKind `json:"kind"`
	// On is the day of it in Japan, YYYY-MM-DD: moved, name-changed, emigrated and
	// card-revoked may be reported before. Absent, or not to come: at once.
	On string `json:"on,omitempty"`

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

	// card-lost, card-found, card-revoked; absent: the card that was handed over last
	Card string `json:"card,omitempty"`
	// card-revoked: "card-sign", that certificate alone; absent: both
	Certificate string `json:"certificate,omitempty"`
}

// registerEvent is what the issuer's POST /v1/register-events takes.
type registerEvent struct {
	ID           string               `json:"id"`
	Person       string               `json:"person"`
	Kind         EventKind            `json:"kind"`
	Attributes   *pki.Attributes      `json:"attributes,omitempty"`
	Municipality *subjectMunicipality `json:"municipality,omitempty"`
	Card         string               `json:"card,omitempty"`
	Certificate  string               `json:"certificate,omitempty"`
	Of           EventKind            `json:"of,omitempty"`
	On           string               `json:"on,omitempty"`
	Cancelled    bool                 `json:"cancelled,omitempty"`
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
// which. What is for a day to come is planned. Sent again it gets the same answer.
// Errors: ErrBadEvent,
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
	on, bad := in.day(at)
	if bad != nil {
		return EventView{}, badField(ErrBadEvent, bad)
	}
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
		if rec.gone() {
			return ErrResidentDied
		}
		if !on.IsZero() {
			if err := r.plan(ctx, tx, at, on, rec, in, hash); err != nil {
				return err
			}
			return tx.Audit(ctx, at, who, "event.plan", in.ID, map[string]string{"resident": resident, "kind": string(in.Kind)})
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
	return r.told(ctx, resident, in.ID)
}

// told goes on with the resident's work and returns an event as it stands then, which
// it does whether or not the issuer can be told now.
func (r *Register) told(ctx context.Context, resident, id string) (out EventView, err error) {
	if err := r.goOn(ctx, resident); err != nil {
		r.conf.Log.WarnContext(ctx, "event not told yet", "resident", resident, "event", id, "error", err)
	}
	err = r.store.Read(ctx, func(tx Tx) error {
		e, err := tx.Event(ctx, resident, id)
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
	case Died, Emigrated, CardLost, CardFound, CardRevoked:
	default:
		return &fieldError{"kind", "is moved, name-changed, died, emigrated, card-lost, card-found or card-revoked"}
	}
	switch {
	case moved && in.Kind != Moved:
		return &fieldError{"address", "does not go with this kind"}
	case renamed && in.Kind != NameChanged:
		return &fieldError{"name", "does not go with this kind"}
	case in.Card != "" && !in.Kind.ofCard():
		return &fieldError{"card", "does not go with this kind"}
	case in.Certificate != "" && (in.Kind != CardRevoked || in.Certificate != string(pki.CardSign)):
		return &fieldError{"certificate", "is card-sign, with card-revoked"}
	case in.On != "" && (in.Kind == Died || in.Kind == CardLost || in.Kind == CardFound):
		return &fieldError{"on", "does not go with this kind"}
	}
	return nil
}

// ofCard tells whether k is about one card rather than the person.
func (k EventKind) ofCard() bool { return k == CardLost || k == CardFound || k == CardRevoked }

// apply changes the register and returns the message that tells of it.
func (r *Register) apply(ctx context.Context, tx Tx, at time.Time, rec Record, in Report) (registerEvent, error) {
	message := registerEvent{ID: in.ID, Person: rec.ID, Kind: in.Kind, Certificate: in.Certificate}
	full, cards, err := r.changed(ctx, tx, at, rec, in)
	if err != nil {
		return message, err
	}
	for _, c := range cards {
		if err := tx.UpdateCard(ctx, c.Card, c.was); err != nil {
			return message, err
		}
	}
	switch {
	case in.Kind.ofCard():
		message.Card = cards[0].ID
		return message, nil
	case in.Kind == Moved || in.Kind == NameChanged:
		attributes := full.attributes()
		message.Attributes = &attributes
	}
	if m, ok := r.municipality(full.Municipality); ok && in.Kind == Moved {
		subject := m.subject()
		message.Municipality = &subject
	}
	rec.Resident, rec.ChangedAt = full, at
	return message, tx.UpdateResident(ctx, rec)
}

// cardChange is a card as it becomes, and the state it was in.
type cardChange struct {
	Card
	was CardState
}

// changed is what a report makes of the resident and the cards. It writes nothing.
func (r *Register) changed(ctx context.Context, tx Tx, at time.Time, rec Record, in Report) (Resident, []cardChange, error) {
	cards, err := tx.CardsOf(ctx, rec.ID)
	if err != nil {
		return Resident{}, nil, err
	}
	if in.Kind.ofCard() {
		c, err := in.ontoCard(cards)
		return rec.Resident, []cardChange{c}, err
	}
	full, err := in.onto(rec.Resident).complete(at)
	if bad, ok := errors.AsType[*fieldError](err); ok {
		return full, nil, badField(ErrBadEvent, bad)
	}
	if _, ok := r.municipality(full.Municipality); !ok {
		return full, nil, ErrMunicipality
	}
	var all []cardChange
	for _, c := range cards {
		if c.State != CardRequested && c.State != CardIssued && c.State != CardReady && c.State != CardPersonalised {
			continue
		}
		was := c.State
		switch {
		case !full.gone(): // the signature certificate names what is true no more
			c.SignEnded = c.SignEnded || c.Signature
		case was == CardReady || was == CardPersonalised:
			c.State = CardReturned
		}
		all = append(all, cardChange{c, was})
	}
	return full, all, nil
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
	case Emigrated:
		was.Emigrated = true
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

// ontoCard is what a report makes of the card that it is about.
func (in Report) ontoCard(cards []Card) (cardChange, error) {
	for _, c := range slices.Backward(cards) {
		if c.State != CardPersonalised || c.Onto != "" || in.Card != "" && in.Card != c.ID {
			continue
		}
		was := c.State
		switch {
		case in.Kind == CardRevoked && in.Certificate != "":
			if !c.Signature || c.SignEnded {
				return cardChange{}, ErrCardNotFitting
			}
			c.SignEnded = true
		case in.Kind == CardRevoked:
			c.State = CardReturned
		case c.Lost == (in.Kind == CardLost):
			return cardChange{}, ErrCardNotFitting
		default:
			c.Lost = in.Kind == CardLost
		}
		return cardChange{c, was}, nil
	}
	return cardChange{}, ErrNoCard
}

// enqueue puts a message into the resident's line of work, or only notes it when
// the issuer does not know the person: then it will learn the facts with the
// first card.
func (r *Register) enqueue(ctx context.Context, tx Tx, at time.Time, message registerEvent, hash [32]byte) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	e := Event{Resident: message.Person, ID: message.ID, Kind: message.Kind, Message: text, RequestHash: hash, At: at}
	if e.State, err = stateOf(ctx, tx, message.Person); err != nil {
		return err
	}
	if e.State == EventLocal {
		e.DoneAt = at
		return addEvent(ctx, tx, e)
	}
	if err := addEvent(ctx, tx, e); err != nil {
		return err
	}
	return tx.SetWork(ctx, Work{Resident: message.Person, Due: at})
}

// stateOf is whether the issuer is to hear what happens to a resident.
func stateOf(ctx context.Context, tx Tx, resident string) (EventState, error) {
	cards, err := tx.CardsOf(ctx, resident)
	if slices.ContainsFunc(cards, func(c Card) bool { return c.State.known() }) {
		return EventWaiting, err
	}
	return EventLocal, err
}

func addEvent(ctx context.Context, tx Tx, e Event) error {
	err := tx.AddEvent(ctx, e)
	if errors.Is(err, ErrTaken) {
		return ErrEventConflict
	}
	return err
}
