namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>Numbers of nftables' netlink protocol (linux/netfilter/nf_tables.h, nfnetlink.h) that are in use here.</summary>
internal static class Nftables
{
    public const byte Subsystem = 10;
    public const byte Inet = 1;
    public const int GenericHeader = 4;
    public const int EventsGroup = 7;

    public const ushort BatchBegin = 0x10;
    public const ushort BatchEnd = 0x11;
    public const ushort BatchGeneration = 1;

    public const byte NewTable = 0;
    public const byte GetTable = 1;
    public const byte DeleteTable = 2;
    public const byte NewChain = 3;
    public const byte GetChain = 4;
    public const byte DeleteChain = 5;
    public const byte NewRule = 6;
    public const byte GetRule = 7;
    public const byte DeleteRule = 8;
    public const byte NewSet = 9;
    public const byte GetSet = 10;
    public const byte DeleteSet = 11;
    public const byte NewElements = 12;
    public const byte GetElements = 13;
    public const byte DeleteElements = 14;
    public const byte NewGeneration = 15;
    public const byte GetGeneration = 16;
    public const byte GetObject = 19;

    public const ushort GenerationId = 1;
    public const ushort GenerationProcess = 2;
    public const ushort GenerationProcessName = 3;

    /// <summary>In the messages of tables, chains, rules, sets and elements alike, attribute 1 names the table.</summary>
    public const ushort Table = 1;
    public const ushort TableFlags = 2;
    public const ushort ChainName = 3;
    public const ushort ChainHook = 4;
    public const ushort ChainPolicy = 5;
    public const ushort HookNumber = 1;
    public const ushort HookPriority = 2;
    public const ushort RuleChain = 2;
    public const ushort RuleHandle = 3;
    public const ushort RuleExpressions = 4;
    public const ushort SetName = 2;
    public const ushort SetFlags = 3;
    public const ushort SetKeyType = 4;
    public const ushort ObjectName = 2;
    public const ushort ObjectType = 3;
    public const ushort ObjectData = 4;
    public const uint HelperObject = 3;
    public const ushort ExpressionName = 1;
    public const ushort ExpressionData = 2;
    public const ushort CounterPackets = 2;

    public const ushort ElementsSet = 2;
    public const ushort ElementsList = 3;
    public const ushort ListItem = 1;
    public const ushort ElementKey = 1;
    public const ushort ElementFlags = 3;
    public const ushort DataValue = 1;
    public const uint IntervalEnd = 1;
    public const uint SetAnonymous = 1;
}
