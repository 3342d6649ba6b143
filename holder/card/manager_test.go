package card_test

import "testing"

func TestTheRestOfTheCommands(t *testing.T) {
	play(t, map[string]string{
		"GET CHALLENGE gives exactly as many bytes, at any level": `
			0084000008 => [8] 9000
			0084000000 => [256] 9000
			<select jpki> => 9000
			0084000001 => [1] 9000
			00840000000010 => 6985
			00840000 => 6700
			00840000 01 55 08 => 6700
			0084010008 => 6A86`,
		"GET DATA of the card": `
			00CA004500 => 54454741544130303031 9000
			00CA00F000 => 3133313031 9000
			00CA00F200 => 3230333531323331 9000
			00CA5F5100 => E000FF8131FE4514 9000
			00CA006600 => 6619 7317 06072A864886FC6B01 600C060A2A864886FC6B02020101 9000
			00CA00F005 => 3133313031 9000
			00CA00F004 => 6700
			00CA00F0000004 => 6700
			00CA00F0000005 => 3133313031 9000
			00CA00F0 => 6700
			00CA004200 => 6A88
			00CA006E00 => 6A88
			<select jpki> => 9000
			00CA00F000 => 6A88`,
		"secure messaging is the text application's": `
			08B0000000 => 6882
			<select jpki> => 9000
			08B0000000 => 6882
			0C200098 => 6882
			80AE000001 55 => 6982`,
		"other classes and instructions": `
			<select jpki> => 9000
			10A4040C020000 => 6E00
			01A4020C020017 => 6E00
			80B0000000 => 6E00
			80200098 => 6E00
			00FE0000 => 6D00
			80FE0000 => 6D00
			80FC0000 => 6700
			80A2000001 55 => 6D00`,
		"before an application": `
			80CA006600 => 6D00
			00FE0000 => 6D00
			10CA006600 => 6E00`,
		"lengths that do not agree": `
			00 => 6700
			00A404 => 6700
			00A4040C0A D392 => 6700
			002000980431323334FFFF => 6700`,
		"the reader's own command": `
			FFCA000000 => [4] 9000
			FFCA000004 => [4] 9000
			FFCA000003 => 6700
			FFCA0000 => 6700
			FFCA010000 => 6A81
			FF00000000 => 6D00`,
	})
}
