using Bulkhead.Agent.Checks;

namespace Bulkhead.Agent.Tests.Checks;

public class NeighbourChecksTests
{
    [Theory]
    [InlineData("""[{"priority":0,"src":"all","table":"local"},{"priority":1,"not":null,"src":"all","fwmark":"0xca6c","table":"78"}]""", "0xca6c")]
    [InlineData("""[{"priority":1,"src":"all","fwmark":"0xca6c","fwmask":"0xff","table":"77"}]""", null)]
    [InlineData("""[{"priority":0,"src":"all","table":"local"}]""", null)]
    [InlineData("", null)]
    public void Routes_chosen_by_whole_marks_are_told(string rules, string? mark)
    {
        var findings = NeighbourChecks.OfRouting(rules).ToList();
        Assert.Equal(mark is null ? 0 : 1, findings.Count);
        Assert.All(findings, finding => Assert.Contains(mark!, finding.Message, StringComparison.Ordinal));
    }
}
