package javax.annotation;

/** Generated code names it; the JDK has it no more. */
public @interface Generated {
    String[] value();

    String date() default "";

    String comments() default "";
}
