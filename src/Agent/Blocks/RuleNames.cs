using Bulkhead.Agent.Channel;
using Bulkhead.Contracts.Agent;
using Bulkhead.Contracts.Host;

namespace Bulkhead.Agent.Blocks;

/// <summary>Asks the controller who answers for the rules that blocked something, and remembers it for ten minutes.</summary>
internal sealed class RuleNames(ControllerLink link, TimeProvider time)
{
    private const int Most = 100;
    private static readonly TimeSpan _goodFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan _pauseAfterFailure = TimeSpan.FromSeconds(30);

    private readonly Dictionary<long, RuleInfo> _known = [];
    private long _asked;
    private long? _failed;

    /// <summary>The blocks with the names of their rules, as far as those are known.</summary>
    public IReadOnlyList<Block> Name(IReadOnlyList<Block> blocks) =>
        [.. blocks.Select(block => block.Rule is { } rule && _known.TryGetValue(rule, out var info) ? block with { Ruleset = Text(info.Ruleset), Owner = Text(info.Owner), Because = Text(info.Reason), Ticket = Text(info.Ticket) } : block)];

    /// <summary>Asks for rules that are not known; whether there is something new. A controller that is away, or too old to answer, changes nothing.</summary>
    public async Task<bool> LearnAsync(IEnumerable<Block> blocks, CancellationToken cancel)
    {
        if (_known.Count > Most || time.GetElapsedTime(_asked) > _goodFor)
        {
            _known.Clear();
        }

        long[] unknown = [.. blocks.Select(block => block.Rule).OfType<long>().Distinct().Where(rule => !_known.ContainsKey(rule)).Take(Most)];
        if (unknown.Length == 0 || !link.Connected || (_failed is { } at && time.GetElapsedTime(at) < _pauseAfterFailure))
        {
            return false;
        }

        try
        {
            var answer = await link.Client.PostAsync("/agent/v1/rules", new RuleRequest { Rules = { unknown } }, RuleAnswer.Parser, cancel);
            (_asked, _failed) = (time.GetTimestamp(), null);
            // Those that it does not tell of are not asked for again and again.
            foreach (var rule in unknown.Select(id => new RuleInfo { Rule = id }).Concat(answer.Rules))
            {
                _known[rule.Rule] = rule;
            }

            return answer.Rules.Count > 0;
        }
        catch (Exception fault) when (ChannelFaults.IsExpected(fault) && !cancel.IsCancellationRequested)
        {
            _failed = time.GetTimestamp();
            return false;
        }
    }

    private static string? Text(string value) => value.Length == 0 ? null : value;
}
