namespace Bulkhead.Scenarios;

/// <summary>Something was not as it should be; the message says what was seen.</summary>
public sealed class StoryException : Exception
{
    /// <summary>Says what was seen.</summary>
    public StoryException(string message)
        : base(message)
    {
    }

    /// <summary>Says what was seen, and what caused it.</summary>
    public StoryException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Required by the framework's design rules.</summary>
    public StoryException()
    {
    }
}
