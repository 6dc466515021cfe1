using Bulkhead.Cli.CommandLine;

namespace Bulkhead.Cli.Tests.CommandLine;

public sealed class DurationTests
{
    [Theory]
    [InlineData("90s", 90)]
    [InlineData("30m", 1_800)]
    [InlineData("24h", 86_400)]
    [InlineData("7d", 604_800)]
    [InlineData("0s", 0)]
    public void Is_a_number_and_a_unit(string text, int seconds)
    {
        Assert.True(Duration.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromSeconds(seconds), duration.Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("d")]
    [InlineData("-1d")]
    [InlineData("1.5h")]
    [InlineData("1w")]
    [InlineData("99999999d")]
    [InlineData("99999999999s")]
    public void Is_nothing_else(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData("90s", "90s")]
    [InlineData("60s", "1m")]
    [InlineData("24h", "1d")]
    public void Reads_in_the_largest_unit_that_divides_it(string text, string shown)
    {
        Assert.True(Duration.TryParse(text, out var duration));
        Assert.Equal(shown, duration.ToString());
    }
}
