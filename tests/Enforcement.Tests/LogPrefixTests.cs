using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Enforcement.Tests;

public class LogPrefixTests
{
    [Theory]
    [InlineData("bulkhead:in:default", Direction.Inbound, BlockReason.Default, null)]
    [InlineData("bulkhead:out:quarantine", Direction.Outbound, BlockReason.Quarantine, null)]
    [InlineData("bulkhead:in:invalid", Direction.Inbound, BlockReason.Invalid, null)]
    [InlineData("bulkhead:out:deny:17", Direction.Outbound, BlockReason.Deny, 17L)]
    [InlineData("bulkhead:in:override-deny:9223372036854775807", Direction.Inbound, BlockReason.OverrideDeny, long.MaxValue)]
    public void What_is_written_is_read_back_and_fits_the_kernels_limit(string text, Direction direction, BlockReason reason, long? rule)
    {
        var prefix = new LogPrefix(direction, reason, rule is { } id ? new RuleId(id) : null);
        Assert.Equal(text, prefix.ToString());
        Assert.True(LogPrefix.TryParse(text, out var read));
        Assert.Equal(prefix, read);
        Assert.InRange(text.Length, 1, 127);
    }

    [Theory]
    [InlineData("")]
    [InlineData("bulkhead:")]
    [InlineData("bulkhead:in")]
    [InlineData("bulkhead:up:default")]
    [InlineData("bulkhead:in:default:1")]
    [InlineData("bulkhead:in:deny")]
    [InlineData("bulkhead:in:deny:0")]
    [InlineData("bulkhead:in:deny:-1")]
    [InlineData("bulkhead:in:deny:1:2")]
    [InlineData("bulkhead:in:deny:99999999999999999999")]
    [InlineData("other:in:default")]
    public void Anything_else_is_not_ours(string text) => Assert.False(LogPrefix.TryParse(text, out _));
}
