package phone

import (
	"slices"

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

// SandboxModels are the phones of the sandbox: three good ones, an old one that
// is not on the list, and five that are wrong in one way each. These pretend to be a
// T-1, so that the authority has to find out.
func SandboxModels() []Model {
	good := func(model string) attest.Hardware {
		return attest.Hardware{
			Level: attest.StrongBox, Brand: "Tegata", Manufacturer: Manufacturer, Model: model,
			Locked: true, Boot: attest.BootVerified,
		}
	}
	software, exportable := good("T-1"), good("T-1")
	software.Level, exportable.Exportable = attest.Software, true
	return []Model{
		{ID: "t1", Name: ceremony.Text{JA: "手形フォン T-1", EN: "Tegata phone T-1"}, Supported: true, Hardware: good("T-1")},
		{ID: "t2", Name: ceremony.Text{JA: "手形フォン T-2", EN: "Tegata phone T-2"}, Supported: true, Hardware: good("T-2")},
		{ID: "t3", Name: ceremony.Text{JA: "手形フォン T-3 mini", EN: "Tegata phone T-3 mini"}, Supported: true, Hardware: good("T-3")},
		{ID: "old", Name: ceremony.Text{JA: "むかしの手形フォン（対象外の機種）", EN: "A Tegata phone of old times (not on the list)"}, Hardware: good("T-0")},
		{ID: "copycat", Name: ceremony.Text{JA: "知らないメーカーの T-1", EN: "A T-1 of an unknown maker"}, Supported: true, Hardware: good("T-1"), UnknownMaker: true},
		{ID: "other-key", Name: ceremony.Text{JA: "T-1（別の鍵を証明する改造）", EN: "T-1 (changed: vouches for another key)"}, Supported: true, Hardware: good("T-1"), Fault: element.FaultOtherKey},
		{ID: "old-challenge", Name: ceremony.Text{JA: "T-1（古い証明を使い回す改造）", EN: "T-1 (changed: repeats an old proof)"}, Supported: true, Hardware: good("T-1"), Fault: element.FaultOldChallenge},
		{ID: "software", Name: ceremony.Text{JA: "T-1（鍵をソフトウェアに置く改造）", EN: "T-1 (changed: keys in software)"}, Supported: true, Hardware: software},
		{ID: "exportable", Name: ceremony.Text{JA: "T-1（鍵を取り出せる改造）", EN: "T-1 (changed: keys can be taken out)"}, Supported: true, Hardware: exportable},
	}
}

// SupportedModels are what an authority of the sandbox puts on its list, as the
// hardware attests them: one of each name.
func SupportedModels() []attest.Hardware {
	var list []attest.Hardware
	for _, m := range SandboxModels() {
		listed := slices.ContainsFunc(list, func(hw attest.Hardware) bool { return hw.Model == m.Hardware.Model })
		if m.Supported && !listed {
			list = append(list, m.Hardware)
		}
	}
	return list
}

// hardware is what the model attests with its boot loader as set.
func (m Model) hardware(unlocked bool) attest.Hardware {
	hw := m.Hardware
	if unlocked {
		hw.Locked, hw.Boot = false, attest.BootUnverified
	}
	return hw
}
