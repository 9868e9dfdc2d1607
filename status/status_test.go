package status_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/status"
)

// The values of the Communicator SDK header, written out a second time on purpose.
var header = []struct {
	value status.Status
	name  string
}{
	{0x0000, "MISTATUS_UNKNOWN"},
	{0x0001, "MISTATUS_OFFLINE"},
	{0x0002, "MISTATUS_ONLINE"},
	{0x0006, "MISTATUS_INVISIBLE"},
	{0x000A, "MISTATUS_BUSY"},
	{0x000E, "MISTATUS_BE_RIGHT_BACK"},
	{0x0012, "MISTATUS_IDLE"},
	{0x0022, "MISTATUS_AWAY"},
	{0x0032, "MISTATUS_ON_THE_PHONE"},
	{0x0042, "MISTATUS_OUT_TO_LUNCH"},
	{0x0052, "MISTATUS_IN_A_MEETING"},
	{0x0062, "MISTATUS_OUT_OF_OFFICE"},
	{0x0072, "MISTATUS_DO_NOT_DISTURB"},
	{0x0082, "MISTATUS_IN_A_CONFERENCE"},
	{0x0092, "MISTATUS_ALLOW_URGENT_INTERRUPTIONS"},
	{0x00A2, "MISTATUS_MAY_BE_AVAILABLE"},
	{0x00B2, "MISTATUS_CUSTOM"},
	{0x0100, "MISTATUS_LOCAL_FINDING_SERVER"},
	{0x0200, "MISTATUS_LOCAL_CONNECTING_TO_SERVER"},
	{0x0300, "MISTATUS_LOCAL_SYNCHRONIZING_WITH_SERVER"},
	{0x0400, "MISTATUS_LOCAL_DISCONNECTING_FROM_SERVER"},
}

func TestValuesAndNamesAreThoseOfTheHeader(t *testing.T) {
	require.Len(t, status.All(), len(header))
	for i, h := range header {
		require.Equal(t, h.value, status.All()[i])
		require.Equal(t, h.name, h.value.String())
	}
	require.Equal(t, "MISTATUS(0x123)", status.Status(0x123).String())
}

func TestOnlineIsBitTwoOutsideTheLocalStates(t *testing.T) {
	for _, s := range status.All() {
		local := strings.HasPrefix(s.String(), "MISTATUS_LOCAL_")
		require.Equal(t, local, s.Local(), s)
		require.Equal(t, !local && s != status.Unknown && s != status.Offline, s.Online(), s)
	}
	require.False(t, status.Status(-2).Online())
	require.False(t, status.Status(0x302).Online())
}

func TestSettableAreTheStatesOfTheMenu(t *testing.T) {
	var settable []status.Status
	for _, s := range status.All() {
		if s.Settable() {
			settable = append(settable, s)
		}
	}
	require.Equal(t, []status.Status{
		status.Online, status.Invisible, status.Busy, status.BeRightBack, status.Away, status.DoNotDisturb,
	}, settable)
}

func TestParseReadsEveryFormOfEveryStatus(t *testing.T) {
	for _, s := range status.All() {
		short := strings.TrimPrefix(s.String(), "MISTATUS_")
		kebab := strings.ToLower(strings.ReplaceAll(short, "_", "-"))
		for _, text := range []string{
			s.String(), strings.ToLower(s.String()), short, kebab, strings.TrimPrefix(kebab, "local-"),
			fmt.Sprint(int(s)), fmt.Sprintf("0x%X", int(s)), " " + kebab + " ",
		} {
			got, err := status.Parse(text)
			require.NoError(t, err, text)
			require.Equal(t, s, got, text)
		}
	}
}

func TestParseRefusesWhatIsNoStatus(t *testing.T) {
	for _, text := range []string{"", " ", "MISTATUS_", "LOCAL_", "lunch", "local-busy", "3", "-2", "0x", "99999999999"} {
		_, err := status.Parse(text)
		require.Error(t, err, text)
	}
}

func TestTextRoundTrip(t *testing.T) {
	for _, s := range status.All() {
		raw, err := json.Marshal(s)
		require.NoError(t, err)
		require.Equal(t, `"`+s.String()+`"`, string(raw))
		var back status.Status
		require.NoError(t, json.Unmarshal(raw, &back))
		require.Equal(t, s, back)
	}
	back := status.Busy
	require.Error(t, json.Unmarshal([]byte(`"nonsense"`), &back))
	require.Equal(t, status.Busy, back)
}

func TestAvailabilityIsDefinedForSettableStatesAndComesBack(t *testing.T) {
	for _, s := range status.All() {
		n, ok := s.Availability()
		require.Equal(t, s.Settable(), ok, s)
		if s == status.Invisible {
			require.Equal(t, s, status.FromAvailability(n, "invisible"))
		} else if ok {
			require.Equal(t, s, status.FromAvailability(n, ""), s)
		}
	}
}

func TestFromAvailability(t *testing.T) {
	for _, c := range []struct {
		low, high int
		activity  string
		want      status.Status
	}{
		{-1, 2999, "", status.Offline},
		{3000, 4499, "", status.Online},
		{3000, 4499, "some-token", status.Online},
		{4500, 5999, "", status.Idle},
		{6000, 7499, "", status.Busy},
		{7500, 8999, "busyidle", status.Busy},
		{6000, 7499, "on-the-phone", status.OnThePhone},
		{6000, 7499, "in-a-conference", status.InAConference},
		{6000, 7499, "in-a-meeting", status.InAMeeting},
		{9000, 11999, "", status.DoNotDisturb},
		{9000, 11999, "in-presentation", status.DoNotDisturb},
		{9000, 11999, "urgent-interruptions-only", status.AllowUrgentInterruptions},
		{12000, 14999, "", status.BeRightBack},
		{15000, 17999, "", status.Away},
		{15000, 17999, "out-to-lunch", status.OutToLunch},
		{15000, 17999, "out-of-office", status.OutOfOffice},
		{18000, 1 << 30, "", status.Offline},
		{18000, 18500, "invisible", status.Invisible},
		{18000, 18500, "offline", status.Offline},
		{3000, 4499, "on-the-phone", status.Online}, // a token counts in its own range only
	} {
		require.Equal(t, c.want, status.FromAvailability(c.low, c.activity), "%d %s", c.low, c.activity)
		require.Equal(t, c.want, status.FromAvailability(c.high, c.activity), "%d %s", c.high, c.activity)
	}
}
