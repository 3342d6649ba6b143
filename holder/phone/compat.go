package phone

import (
	"context"

	"tegata/holder/element"
	"tegata/internal/ceremony"
	"tegata/internal/secret"
	"tegata/internal/trace"
)

// Compatible switches compatibility mode on under the PIN: for five minutes a terminal that
// knows nothing but the card is shown the phone's authentication key, for the code that this
// returns in place of a PIN. Its errors are those of any unlocking, and ErrPowerOff.
func (p *Phone) Compatible(ctx context.Context, pin secret.PIN) (c element.Compatible, err error) {
	if pin.IsZero() {
		return c, ErrSecretForm.With("which", string(element.PIN))
	}
	err = p.change(ctx, UseCompatible, func() (err error) {
		c, err = p.element.Compatible(pin)
		return err
	})
	return c, err
}

// IsCompatible is compatibility mode as it stands; false when it is off.
func (p *Phone) IsCompatible() (element.Compatible, bool) { return p.element.IsCompatible() }

// EndCompatible switches it off. It takes nothing but a press.
func (p *Phone) EndCompatible() { p.element.EndCompatible() }

// usedAsCard writes a raw signature into the history before it is made. It is called during
// a tap, by the element: which terminal it is nobody says there. It takes no lock: who waits
// for the tap's end may hold any.
func (ps *Phones) usedAsCard(id string) bool {
	ctx := context.Background() // the tap's end is not the history's
	at := ps.c.Now().UTC()
	if err := ps.c.Store.PutUse(ctx, id, Use{ID: ceremony.NewID(), At: at, Kind: UseAsCard, Result: ResultDone}); err != nil {
		ps.c.Log.ErrorContext(ctx, "a signature in compatibility mode could not be written down, and is not made", "phone", id, "error", err)
		return false
	}
	ps.c.Trace.Note(ctx, trace.Event{At: at, From: "reader", To: "phone", Kind: "apdu", Detail: map[string]string{"phone": id},
		TitleJA: "スマホが、カードの代わりに端末のために署名しました", TitleEN: "The phone signed for a terminal in place of the card"})
	return true
}
