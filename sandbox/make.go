package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"tegata/internal/httpd"
)

// Maker makes the people by the calls that anybody would make: the register's
// door for residents, their cards and what happens to them. Everything goes under
// ids of the sandbox's own, so a call that was cut off is simply made again.
type Maker struct {
	Municipality string              // URL of the register's door
	Token        httpd.OperatorToken // the sandbox operator's
	Client       *http.Client
}

// order answers the desk's card order.
type order struct {
	ID     string     `json:"id"`
	DoneAt *time.Time `json:"done_at"`
}

// Person registers a resident, has the card made and handed over, and tells what
// happened since.
func (m Maker) Person(ctx context.Context, p Person) error {
	if err := m.register(ctx, p); err != nil {
		return fmt.Errorf("sandbox: register %s: %w", p.ID, err)
	}
	if err := m.Card(ctx, p.ID, p.ID); err != nil {
		return fmt.Errorf("sandbox: card of %s: %w", p.ID, err)
	}
	if p.Event == "" {
		return nil
	}
	if err := m.event(ctx, p); err != nil {
		return fmt.Errorf("sandbox: event of %s: %w", p.ID, err)
	}
	return nil
}

func (m Maker) register(ctx context.Context, p Person) error {
	body := struct {
		ID               string `json:"id"`
		Municipality     string `json:"municipality"`
		Household        string `json:"household"`
		Name             string `json:"name"`
		NameOriginal     string `json:"name_original,omitempty"`
		NameSubstitution string `json:"name_substitution,omitempty"`
		Alias            string `json:"alias,omitempty"`
		Kana             string `json:"kana"`
		Birth            string `json:"birth"`
		Sex              string `json:"sex"`
		Address          string `json:"address"`
		Protected        bool   `json:"protected,omitempty"`

		Contact *Contact `json:"contact,omitempty"`
	}{p.ID, p.Municipality, p.Household, p.Name, p.NameOriginal, p.NameSubstitution, p.Alias, p.Kana, p.Birth, p.Sex, p.Address, p.Protected, p.Contact}
	return m.post(ctx, "/v1/residents", body, nil)
}

// Card orders a card for a resident and asks again until it is handed over: making
// its keys takes a moment, and the register goes on with it after any interruption.
func (m Maker) Card(ctx context.Context, resident, id string) error {
	body := struct {
		ID string `json:"id"`
	}{id}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		var o order
		if err := m.post(ctx, "/v1/residents/"+url.PathEscape(resident)+"/cards", body, &o); err != nil {
			return err
		}
		if o.DoneAt != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (m Maker) event(ctx context.Context, p Person) error {
	body := struct {
		ID      string `json:"id"`
		Kind    string `json:"kind"`
		Address string `json:"address,omitempty"`
	}{p.ID + "-" + p.Event, p.Event, p.NewAddress}
	return m.post(ctx, "/v1/residents/"+p.ID+"/events", body, nil)
}

func (m Maker) post(ctx context.Context, path string, in, out any) error {
	return httpd.PostJSON(ctx, m.Client, m.Municipality+path, in, out, m.Token.Bearer())
}
