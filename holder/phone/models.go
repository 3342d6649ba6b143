package phone

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"

	"tegata/holder/element"
	"tegata/internal/attest"
	"tegata/internal/ceremony"
)

// A Model is a phone that the sandbox can make. What its hardware attests, not
// its name, decides what an authority thinks of it.
type Model struct {
	ID        string
	Name      ceremony.Text
	Supported bool // as the phone itself says; the authority has its own list
	Hardware  attest.Hardware
	// UnknownMaker has the attestations signed under a root that nobody knows.
	UnknownMaker bool
	Fault        element.Fault
}

// Manufacturer is who makes the sandbox's phones, in their attestations.
const Manufacturer = "Tegata Sandbox"

//go:embed models.json
var modelsJSON []byte

// A Listed is one model of the list of supported phones: models.json is the one place
// where a model is put on it, for the authority's policy and for the page that people
// look at.
type Listed struct {
	ID           string `json:"id"`
	Manufacturer string `json:"manufacturer"` // as its hardware attests it
	Model        string `json:"model"`
	JA           string `json:"ja"`
	EN           string `json:"en"`
	Supported    bool   `json:"supported"`
}

// List returns the models that the list speaks of, supported or not. A file that does not
// decode is found by the tests.
func List() (list []Listed) {
	if json.Unmarshal(modelsJSON, &list) != nil {
		return nil
	}
	return list
}

// plain is a name as people may write it: without case, spaces and hyphens.
func plain(s string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "　", "", "-", "", "‐", "", "－", "").Replace(s))
}

// Looked finds a model in the list by what a person reads off the phone: the model, with
// or without its maker, or its name. false when the list does not speak of it.
func Looked(said string) (Listed, bool) {
	for _, l := range List() {
		if p := plain(said); p != "" && slices.Contains([]string{plain(l.Model), plain(l.Manufacturer + l.Model), plain(l.JA), plain(l.EN)}, p) {
			return l, true
		}
	}
	return Listed{}, false
}

// SandboxModels are the phones of the sandbox: those of the list, and five that are wrong
// in one way each. These pretend to be a T-1, so that the authority has to find out.
func SandboxModels() (all []Model) {
	good := func(model string) attest.Hardware {
		return attest.Hardware{
			Level: attest.StrongBox, Brand: "Tegata", Manufacturer: Manufacturer, Model: model,
			Locked: true, Boot: attest.BootVerified,
		}
	}
	for _, l := range List() {
		all = append(all, Model{ID: l.ID, Name: ceremony.Text{JA: l.JA, EN: l.EN}, Supported: l.Supported, Hardware: good(l.Model)})
	}
	software, exportable := good("T-1"), good("T-1")
	software.Level, exportable.Exportable = attest.Software, true
	return append(all,
		Model{ID: "copycat", Name: ceremony.Text{JA: "知らないメーカーの T-1", EN: "A T-1 of an unknown maker"}, Supported: true, Hardware: good("T-1"), UnknownMaker: true},
		Model{ID: "other-key", Name: ceremony.Text{JA: "T-1（別の鍵を証明する改造）", EN: "T-1 (changed: vouches for another key)"}, Supported: true, Hardware: good("T-1"), Fault: element.FaultOtherKey},
		Model{ID: "old-challenge", Name: ceremony.Text{JA: "T-1（古い証明を使い回す改造）", EN: "T-1 (changed: repeats an old proof)"}, Supported: true, Hardware: good("T-1"), Fault: element.FaultOldChallenge},
		Model{ID: "software", Name: ceremony.Text{JA: "T-1（鍵をソフトウェアに置く改造）", EN: "T-1 (changed: keys in software)"}, Supported: true, Hardware: software},
		Model{ID: "exportable", Name: ceremony.Text{JA: "T-1（鍵を取り出せる改造）", EN: "T-1 (changed: keys can be taken out)"}, Supported: true, Hardware: exportable},
	)
}

// SupportedModels are the supported ones of the list: the policy of the sandbox's authority.
func SupportedModels() (list []Listed) {
	return slices.DeleteFunc(List(), func(l Listed) bool { return !l.Supported })
}

// hardware is what the model attests with its boot loader as set.
func (m Model) hardware(unlocked bool) attest.Hardware {
	hw := m.Hardware
	if unlocked {
		hw.Locked, hw.Boot = false, attest.BootUnverified
	}
	return hw
}
