package card_test

import "testing"

func TestSelect(t *testing.T) {
	play(t, map[string]string{
		"the JPKI application, without an answer": `
			<select jpki> => 9000`,
		"the JPKI application, with its file control information": `
			00A404000A D392F000260100000001 00 => 6F0C 840A D392F000260100000001 9000`,
		"the beginning of a name is enough": `
			00A4040C07 D392F000260100 => 9000`,
		"less than a provider's five bytes is not": `
			00A4040C04 D392F000 => 6A82`,
		"an empty name names nothing": `
			00A40400 => 6A82
			00A4040000 => 6A82`,
		"the card manager": `
			<select jpki> => 9000
			00A4040C07 A0000001510000 => 9000
			00A4020C020006 => 6A82`,
		"other cards' applications are not there, whatever else is asked": `
			00A404000B A000000308000010000100 => 6A82
			00A4040006 D27600012401 00 => 6A82
			00A4040208 A000000003000000 => 6A82
			00A4040C0A D3921000310001010408 => 6A82`,
		"a longer name than ours is another": `
			00A4040C0B D392F00026010000000100 => 6A82`,
		"the next application of that name cannot be asked for": `
			00A404020A D392F000260100000001 00 => 6A86`,
		"a failed selection leaves application and secrets as they were": `
			<select jpki> => 9000
			<pin> => 9000
			00A4040C05 A000000308 => 6A82
			802A0097 01 55 00 => [256] 9000`,
		"selecting again forgets what was verified": `
			<select jpki> => 9000
			<pin> => 9000
			<select jpki> => 9000
			802A0097 01 55 00 => 6982`,
		"a warm reset forgets what was verified and the application": `
			<select jpki> => 9000
			<pin> => 9000
			reset
			802A0097 01 55 00 => 6D00
			<select jpki> => 9000
			802A0097 01 55 00 => 6982`,
		"power off forgets": `
			<select jpki> => 9000
			<pin> => 9000
			power off and on
			<select jpki> => 9000
			802A0097 01 55 00 => 6982`,
		"the master file before and after an application": `
			00A40000 => 6A86
			00A40000023F00 => 6A82
			<select jpki> => 9000
			00A4020C020006 => 9000
			00A40000 => 9000
			00B0000001 => 4A 9000
			00A40000023F00 => 6A82
			00A4000C023F00 => 6A82`,
		"a file by its identifier": `
			<select jpki> => 9000
			00A4020C020017 => 9000
			00A4020C020003 => 6A82
			00A4020C01 17 => 6700
			00A4020C => 6700
			00A40200020017 => 6A86
			00A4010C020017 => 6A86
			00A4080C020017 => 6A86`,
		"there are no files before an application": `
			00A4020C020006 => 6A82
			00A4080C023F00 => 6A86
			00B0000000 => 6986
			00200080 => 6986`,
	})
}

func TestReadBinary(t *testing.T) {
	play(t, map[string]string{
		"token information is 160 bytes and says what it is": `
			<select jpki> => 9000
			00A4020C020006 => 9000
			00B0000000 => [160] 9000
			00B000000F => 4A504B494150494343544F4B454E32 9000
			00B0008C14 => 30333031 39393939393939393939393939393939 9000`,
		"a short read at the end of the file": `
			<select jpki> => 9000
			00A4020C020006 => 9000
			00B0009F00 => 39 9000`,
		"past the end": `
			<select jpki> => 9000
			00A4020C020006 => 9000
			00B000A000 => 6B00
			00B07FFF01 => 6B00`,
		"by short identifier, which makes the file current": `
			<select jpki> => 9000
			00B0880003 => 8F8F00 9000
			00B0000101 => 8F 9000
			00B0880200 => 00 9000
			00B0880300 => 6B00`,
		"extended length": `
			<select jpki> => 9000
			00A4020C02000B => 9000
			00B00000000004 => [4] 9000
			00B00000 0000A0 => [160] 9000`,
		"no current file": `
			<select jpki> => 9000
			00B0000000 => 6986`,
		"a short identifier that does not exist or cannot": `
			<select jpki> => 9000
			00B0830000 => 6A82
			00B0800000 => 6A86
			00B09F0000 => 6A86
			00B0C10000 => 6A86`,
		"key and PIN files are of the wrong type": `
			<select jpki> => 9000
			00B0960000 => 6981
			00B0970000 => 6981
			00B0980000 => 6981
			00B09A0000 => 6981
			00B09B0000 => 6981
			<pin> => 9000
			<password> => 9000
			00B0970000 => 6981
			00B09A0000 => 6981`,
		"files nobody may read": `
			<select jpki> => 9000
			<pin> => 9000
			<password> => 9000
			00B0890000 => 6982
			00B0850000 => 6982`,
		"the authentication certificate and both authorities are free": `
			<select jpki> => 9000
			00B08A0002 => 3082 9000
			00B0820002 => 3082 9000
			00B08B0002 => 3082 9000`,
		"the signature certificate needs the password, not the PIN": `
			<select jpki> => 9000
			00B0810000 => 6982
			<pin> => 9000
			00B0810000 => 6982
			<password> => 9000
			00B0810002 => 3082 9000`,
		"without Le, or with data, it is no READ BINARY": `
			<select jpki> => 9000
			00A4020C020006 => 9000
			00B00000 => 6700
			00B00000020102 => 6700`,
		"there are no records": `
			<select jpki> => 9000
			00B2011C00 => 6A82
			00B2010C00 => 6981
			00B2010400 => 6986
			00B2013400 => 6981
			00A4020C020006 => 9000
			00B2010400 => 6981`,
	})
}

func TestVerify(t *testing.T) {
	play(t, map[string]string{
		"the current file or a short identifier": `
			<select jpki> => 9000
			00A4020C020018 => 9000
			00200080 04 <1357> => 9000
			0020009804 <1357> => 9000
			0020009B0A 54454741544132333537 => 9000`,
		"wrong values count down, then even the right one is refused": `
			<select jpki> => 9000
			<wrong pin> => 63C2
			<wrong pin> => 63C1
			<wrong pin> => 63C0
			<wrong pin> => 6984
			<pin> => 6984
			00200098 => 63C0
			<password> => 9000`,
		"the password has five tries": `
			<select jpki> => 9000
			<wrong password> => 63C4
			<wrong password> => 63C3
			<wrong password> => 63C2
			<wrong password> => 63C1
			<wrong password> => 63C0
			<password> => 6984
			<pin> => 9000`,
		"the right value restores the tries": `
			<select jpki> => 9000
			<wrong pin> => 63C2
			<wrong pin> => 63C1
			<pin> => 9000
			00200098 => 63C3`,
		"asking costs nothing and answers 63Cx even when verified": `
			<select jpki> => 9000
			00200098 => 63C3
			0020009B => 63C5
			<wrong pin> => 63C2
			00200098 => 63C2
			00200098 => 63C2
			0020009800 => 63C2
			<pin> => 9000
			00200098 => 63C3
			00A4020C02001B => 9000
			00200080 => 63C5`,
		"tries are not restored by power off or another selection": `
			<select jpki> => 9000
			<wrong pin> => 63C2
			power off and on
			<select jpki> => 9000
			00200098 => 63C2`,
		"a wrong value ends what a right one had opened": `
			<select jpki> => 9000
			<pin> => 9000
			<wrong pin> => 63C2
			802A0097 01 55 00 => 6982`,
		"too short, too long and lower case are wrong values": `
			<select jpki> => 9000
			0020009803 313335 => 63C2
			0020009805 3133353700 => 63C1
			0020009B0A 74656761746132333537 => 63C4`,
		"not a file with a secret": `
			<select jpki> => 9000
			00200097 04 <1357> => 6981
			00200086 => 6981
			00200099 => 6981
			00200083 => 6A82`,
		"no current file": `
			<select jpki> => 9000
			00200080 => 6986
			00240180 04 <2468> => 6986
			802A0080 01 55 00 => 6986`,
		"other parameters": `
			<select jpki> => 9000
			00200018 => 6A86
			00200198 => 6A86
			0020009F => 6A86
			002000D8 => 6A86`,
	})
}

func TestChangeReferenceData(t *testing.T) {
	play(t, map[string]string{
		"the new value alone, after VERIFY": `
			<select jpki> => 9000
			<pin> => 9000
			00240198 04 <2468> => 9000
			<pin> => 63C2
			<wrong pin> => 9000`,
		"by the current file": `
			<select jpki> => 9000
			00A4020C020018 => 9000
			00200080 04 <1357> => 9000
			00240180 04 <2468> => 9000
			00200080 04 <2468> => 9000`,
		"not before VERIFY": `
			<select jpki> => 9000
			00240198 04 <2468> => 6982
			<password> => 9000
			00240198 04 <2468> => 6982
			<pin> => 9000`,
		"not when blocked": `
			<select jpki> => 9000
			<wrong pin> => 63C2
			<wrong pin> => 63C1
			<wrong pin> => 63C0
			00240198 04 <2468> => 6984`,
		"the new value must be of its form": `
			<select jpki> => 9000
			<pin> => 9000
			<password> => 9000
			00240198 03 313335 => 6A80
			00240198 04 31333541 => 6A80
			0024019B 05 4142433132 => 6A80
			0024019B 06 414243313261 => 6A80
			0024019B 11 4142434445464748494A4B4C4D4E4F5051 => 6A80
			00240198 => 6700
			<pin> => 9000
			<password> => 9000`,
		"other forms of the command": `
			<select jpki> => 9000
			<pin> => 9000
			00240098 08 <1357><2468> => 6A86
			00240197 04 <2468> => 6981
			80320098 04 <2468> => 6D00`,
	})
}

func TestComputeDigitalSignature(t *testing.T) {
	play(t, map[string]string{
		"needs the key's own secret": `
			<select jpki> => 9000
			802A0097 33 <digest info> 00 => 6982
			802A009A 33 <digest info> 00 => 6982
			<pin> => 9000
			802A0097 33 <digest info> 00 => [256] 9000
			802A009A 33 <digest info> 00 => 6982
			<password> => 9000
			802A009A 33 <digest info> 00 => [256] 9000`,
		"the current key": `
			<select jpki> => 9000
			<pin> => 9000
			00A4020C020017 => 9000
			802A0080 33 <digest info> 00 => [256] 9000
			802A0080 33 <digest info> => [256] 9000`,
		"every way of P1": `
			<select jpki> => 9000
			<pin> => 9000
			802A0197 01 55 00 => [256] 9000
			802A0297 20 <digest> 00 => [256] 9000
			802A0397 01 55 00 => [256] 9000
			802A0497 20 <digest> 00 => [256] 9000
			802A0597 01 55 00 => [256] 9000
			802A0697 20 <digest> 00 => 6A86
			802A8097 20 <digest> 00 => 6A86`,
		"lengths": `
			<select jpki> => 9000
			<pin> => 9000
			802A0097F5 <245 bytes> 00 => [256] 9000
			802A0097F6 <246 bytes> 00 => 6985
			802A0397F6 <246 bytes> 00 => [256] 9000
			802A0297 01 55 00 => 6985
			802A0497 1F 5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A 00 => 6985
			802A0397 000100 <246 bytes> 5A5A5A5A5A5A5A5A5A5A 0000 => 6985
			802A0097 => 6700
			802A0097 33 <digest info> FF => 6700`,
		"only keys sign": `
			<select jpki> => 9000
			<pin> => 9000
			802A0098 01 55 00 => 6981
			802A0096 01 55 00 => 6981
			802A0083 01 55 00 => 6A82
			802A0000 01 55 00 => 6A86
			002A0097 01 55 00 => 6E00`,
		"internal authentication is for the common application's key": `
			<select jpki> => 9000
			<pin> => 9000
			00880097 08 0102030405060708 00 => 6982
			00880098 08 0102030405060708 00 => 6981
			00880083 08 0102030405060708 00 => 6A82
			00880197 08 0102030405060708 00 => 6A86`,
	})
}
