package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"tegata/internal/durable"
	"tegata/sandbox"
)

// cardLine is one card as scripts see it; surface of `card list -json`.
type cardLine struct {
	ID        string               `json:"id"`
	Resident  string               `json:"resident"`
	Name      string               `json:"name"`
	BirthDate string               `json:"birth_date"`
	State     string               `json:"state"`
	Reader    string               `json:"reader,omitempty"`
	Secrets   *sandbox.CardSecrets `json:"sandbox_secrets,omitempty"`
}

// cardList prints the sandbox's cards.
func cardList(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	asJSON := flags.Bool("json", false, "for scripts; shows the sandbox's secrets too")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	cards, err := cardLines(ctx, r)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c, cards)
	}
	table := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "CARD\tSTATE\tBORN\tNAME\tHELD TO")
	for _, l := range cards {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", l.ID, l.State, l.BirthDate, l.Name, l.Reader)
	}
	return table.Flush()
}

// cardShow prints one card.
func cardShow(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	asJSON := flags.Bool("json", false, "for scripts; shows the sandbox's secrets too")
	words, err := parse(flags, args, "CARD")
	if err != nil {
		return err
	}
	cards, err := cardLines(ctx, r)
	if err != nil {
		return err
	}
	for _, l := range cards {
		if l.ID != words[0] {
			continue
		}
		if *asJSON {
			return printJSON(c, l)
		}
		fmt.Fprintf(c.out, "card     %s\nholder   %s (born %s)\nstate    %s\n", l.ID, l.Name, l.BirthDate, l.State)
		if l.Reader != "" {
			fmt.Fprintf(c.out, "held to  %s\n", l.Reader)
		}
		return nil
	}
	return usagef("the rack holds no card %q; `tegata card list` shows them", words[0])
}

// cardLines joins what the rack says with who the sandbox's people are.
func cardLines(ctx context.Context, r *remote) ([]cardLine, error) {
	if err := r.find(ctx); err != nil {
		return nil, err
	}
	var rack struct {
		Cards []cardLine `json:"cards"`
	}
	if err := r.get(ctx, "cards", "/v1/cards", &rack); err != nil {
		return nil, err
	}
	_, people, err := sandbox.People()
	if err != nil {
		return nil, err
	}
	secrets, err := sandbox.OpenSecrets(filepath.Join(*r.data, sandboxSecrets), durable.Files{})
	if err != nil {
		return nil, err
	}
	for i := range rack.Cards {
		l := &rack.Cards[i]
		l.Resident = l.ID
		l.Secrets, _ = secrets.Known(l.ID)
		for _, p := range people {
			if p.ID == l.ID {
				l.Name, l.BirthDate = p.Name, p.Birth
			}
		}
	}
	return rack.Cards, nil
}

// cardInsert holds a card to a slot until it is interrupted.
func cardInsert(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	into := flags.String("into", "", "phone:ID, or vpcd:HOST:PORT such as a slot of the system's pcscd (vpcd:127.0.0.1:35963)")
	words, err := parse(flags, args, "CARD")
	if err != nil {
		return err
	}
	if err := r.find(ctx); err != nil {
		return err
	}
	addr, err := slotAddress(ctx, r, *into)
	if err != nil {
		return err
	}
	path := "/v1/cards/" + words[0] + "/tap"
	if err := r.post(ctx, "cards", path, map[string]string{"reader": addr}, nil); err != nil {
		return err
	}
	c.say("card %s is held to %s; press Ctrl-C to take it away", words[0], addr)
	<-ctx.Done()
	return r.remove(context.WithoutCancel(ctx), "cards", path)
}

// slotAddress turns -into into the address of a reader.
func slotAddress(ctx context.Context, r *remote, into string) (string, error) {
	kind, rest, _ := strings.Cut(into, ":")
	switch kind {
	case "vpcd":
		return rest, nil
	case "phone":
		var phone struct {
			Reader string `json:"reader"`
		}
		if err := r.get(ctx, "phone", "/v1/phones/"+rest, &phone); err != nil {
			return "", err
		}
		return phone.Reader, nil
	}
	return "", usagef("-into is phone:ID or vpcd:HOST:PORT")
}

func printJSON(c console, v any) error {
	out := json.NewEncoder(c.out)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(v)
}
